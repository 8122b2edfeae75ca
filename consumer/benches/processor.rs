//! The processor time of a process.

use std::fs;
use std::time::Duration;

/// The processor time that all threads of a process have used so far; `self` is this process. The
/// first number of a thread's `schedstat` is in nanoseconds:
/// <https://docs.kernel.org/scheduler/sched-stats.html>
pub(crate) fn processor_time(process: impl std::fmt::Display) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("Linux");
    let of_each = threads.map(|thread| {
        let stat = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(of_each.sum())
}
