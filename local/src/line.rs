//! The simulated LINE: the Messaging API's sending endpoints and LINE Notify, on loopback.
//!
//! LINE has no sandbox and forbids load tests against its own servers. So a rehearsal needs a
//! stand-in that refuses what LINE refuses and remembers who got what.
//! <https://developers.line.biz/en/docs/messaging-api/development-guidelines/>
//!
//! It has its own copy of LINE's limits and rules, on purpose: it judges what the rest of the
//! project sends.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::line::faults::{LineFault, LineFaults, LineFaultsError};
pub use crate::line::in_process::InProcessLine;
use crate::line::memory::Memory;
pub use crate::line::memory::ledger::{LedgerSecond, LedgerSummary, LineReceipt};
pub use crate::line::options::{LineOptions, UnknownInMulticast};
pub use crate::line::wire::HangUp;

mod answer;
mod control;
mod endpoint;
mod faults;
mod in_process;
mod memory;
mod messaging;
mod notify;
mod options;
mod recipient;
mod service;
mod text;
mod wire;

/// A running simulated LINE. A drop stops it, with all its connections.
#[derive(Debug)]
pub struct LineServer {
    url: String,
    memory: Arc<Mutex<Memory>>,
    accepting: JoinHandle<()>,
}

impl LineServer {
    /// Binds a port and begins to answer, on the Tokio runtime that calls it.
    ///
    /// Fails if the port is taken, or (`InvalidInput`) if the rates of the faults are not possible.
    pub async fn start(options: LineOptions) -> io::Result<Self> {
        let check = options.faults.check();
        check.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let listener = TcpListener::bind((options.host, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let memory = Arc::new(Mutex::new(Memory::new(options)));
        let accepting = tokio::spawn(wire::accept(listener, Arc::clone(&memory)));
        Ok(Self {
            url,
            memory,
            accepting,
        })
    }

    /// `http://HOST:PORT`, in place of `https://api.line.me` and `https://notify-api.line.me`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was requested and accepted so far, in numbers.
    pub fn ledger(&self) -> LedgerSummary {
        self.memory.lock().ledger.summary()
    }

    /// What one recipient (a LINE ID or a LINE Notify token) got, in order.
    pub fn receipts(&self, recipient: &str) -> Vec<LineReceipt> {
        self.memory.lock().ledger.receipts(recipient)
    }

    /// Changes the options for the requests that come from now on. Host, port and clock stay as
    /// they were at the start.
    pub fn change(&self, change: impl FnOnce(&mut LineOptions)) {
        self.memory.lock().change_options(change);
    }
}

impl Drop for LineServer {
    fn drop(&mut self) {
        // The task owns the tasks of all connections, and a dropped `JoinSet` aborts them.
        self.accepting.abort();
    }
}
