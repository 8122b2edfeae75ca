//! The end of a run, which a signal can cut short: it finishes what is under way, and ends at once
//! at a second signal.

use std::io;
use std::pin::pin;

use crate::print;
use crate::signals::StopSignals;

/// Said at the first signal. Each line fits a terminal.
const STOPPING: &str = "Stopping: nothing new is sent. This waits for answers, 30 s at most, and\n\
     writes down what became of the messages. Ctrl-C again ends at once.";
/// Said at the second one.
const ENDED: &str = "Ended at once: what became of the last requests is not written down.";

/// Finishes a run; `None` where two signals came first. `is_stopped`: one came already.
pub(super) async fn finish<T>(
    is_stopped: bool,
    finishing: impl Future<Output = T>,
) -> io::Result<Option<T>> {
    let mut finishing = pin!(finishing);
    if !is_stopped {
        let first = StopSignals::listen()?;
        tokio::select! {
            finished = &mut finishing => return Ok(Some(finished)),
            () = first.received() => {}
        }
    }
    let second = StopSignals::listen()?;
    print::note(STOPPING);
    Ok(tokio::select! {
        finished = finishing => Some(finished),
        () = second.received() => {
            print::note(ENDED);
            None
        }
    })
}
