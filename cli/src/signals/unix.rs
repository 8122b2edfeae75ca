//! The signals of Unix.

use std::{fs, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop a command: SIGINT, SIGTERM, and SIGHUP: the terminal is gone, as when a
/// connection breaks.
///
/// SIGHUP does nothing where it was ignored when the command started: `nohup` asks for that.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Listens from now on. A signal that comes before it is received is not lost.
    pub(crate) fn listen() -> io::Result<Self> {
        let hang_up = (!is_hang_up_ignored()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    /// Returns at the first signal.
    pub(crate) async fn received(mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether SIGHUP was ignored when this process started. Where the system does not say, it may have
/// been: then it keeps what it does by itself.
fn is_hang_up_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status");
    status.map_or(true, |status| ignores_hang_up(&status))
}

/// Whether the signals that a process ignores, as Linux tells them, have SIGHUP among them.
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn ignores_hang_up(status: &str) -> bool {
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, SIGHUP.
    ignored.is_none_or(|ignored| ignored & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hang_up_is_told_from_one_that_stops() {
        for (status, is_ignored) in [
            (
                "Name:\tfanline\nSigIgn:\t0000000000001000\nSigCgt:\t1\n",
                false,
            ),
            ("SigIgn:\t0000000000001001\n", true),
            ("SigIgn:\t0000000000000000\n", false),
            ("SigBlk:\t0000000000000000\n", true),
            ("", true),
        ] {
            assert_eq!(ignores_hang_up(status), is_ignored, "{status}");
        }
    }
}
