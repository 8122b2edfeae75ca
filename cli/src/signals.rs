//! The signals that stop a command.

use tokio::signal::ctrl_c;

/// Returns at SIGINT or SIGTERM.
#[cfg(unix)]
pub(crate) async fn stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns at Ctrl-C, or when the window is closed.
#[cfg(windows)]
pub(crate) async fn stop() -> anyhow::Result<()> {
    let mut close = tokio::signal::windows::ctrl_close()?;
    tokio::select! {
        interrupted = ctrl_c() => interrupted?,
        _ = close.recv() => {}
    }
    Ok(())
}
