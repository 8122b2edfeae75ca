//! The simulated LINE: the Messaging API's sending endpoints and LINE Notify, on loopback.
//!
//! LINE has no sandbox and forbids load tests against its own servers, so a rehearsal needs a stand-in that refuses what
//! LINE refuses and remembers who got what.
//! <https://developers.line.biz/en/docs/messaging-api/development-guidelines/>

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::line::faults::{LineFault, LineFaults, LineFaultsError};
pub use crate::line::memory::ledger::{LedgerSecond, LedgerSummary, Receipt};
pub use crate::line::options::{LineOptions, UnknownInMulticast};
use crate::line::service::Line;

mod answer;
mod control;
mod endpoint;
mod faults;
mod memory;
mod notify;
mod options;
mod request;
mod send;
mod service;
mod wire;

/// A simulated LINE, listening. Dropped, it stops, and every connection with it.
#[derive(Debug)]
pub struct LineServer {
    url: String,
    line: Arc<Mutex<Line>>,
    accepting: JoinHandle<()>,
}

impl LineServer {
    /// Binds a port of 127.0.0.1 and begins to answer, on the Tokio runtime that it is called in.
    ///
    /// Fails where the port is taken, or (`InvalidInput`) where the faults' rates can't be kept.
    pub async fn start(options: LineOptions) -> io::Result<Self> {
        let check = options.faults.check();
        check.map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let line = Arc::new(Mutex::new(Line::new(options)));
        let accepting = tokio::spawn(wire::accept(listener, Arc::clone(&line)));
        Ok(Self {
            url,
            line,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`: in place of both `https://api.line.me` and `https://notify-api.line.me`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked and accepted so far, in numbers.
    pub fn ledger(&self) -> LedgerSummary {
        lock(&self.line).ledger.summary()
    }

    /// What one recipient (a LINE ID or a LINE Notify token) got, in order.
    pub fn receipts(&self, recipient: &str) -> Vec<Receipt> {
        lock(&self.line).ledger.receipts(recipient)
    }

    /// Changes the options, from the next request on. Port and clock stay what they were at the start.
    pub fn change(&self, change: impl FnOnce(&mut LineOptions)) {
        let mut line = lock(&self.line);
        let mut options = line.options().clone();
        change(&mut options);
        options.clock = line.options().clock.clone();
        line.set_options(options);
    }
}

impl Drop for LineServer {
    fn drop(&mut self) {
        // The task owns every connection's task, and a dropped `JoinSet` aborts them.
        self.accepting.abort();
    }
}

/// The service, whatever became of the last one to hold it.
pub(crate) fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
