//! The signals that stop a command.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

/// Returns at SIGINT or SIGTERM.
pub(crate) async fn stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
