//! The signals that stop a command.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::StopSignals;
#[cfg(windows)]
pub(crate) use windows::StopSignals;

/// Returns at a signal that stops a command.
pub(crate) async fn stop() -> io::Result<()> {
    StopSignals::listen()?.received().await;
    Ok(())
}
