//! The signals of Windows.

use std::io;

use tokio::signal::windows::{CtrlC, CtrlClose, ctrl_c, ctrl_close};

/// The signals that stop a command: Ctrl-C, and closing the window.
pub(crate) struct StopSignals {
    ctrl_c: CtrlC,
    close: CtrlClose,
}

impl StopSignals {
    /// Listens from now on. A signal that comes before it is received is not lost.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            ctrl_c: ctrl_c()?,
            close: ctrl_close()?,
        })
    }

    /// Returns at the first signal.
    pub(crate) async fn received(mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}
