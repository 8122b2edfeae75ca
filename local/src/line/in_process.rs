//! The simulated LINE without a port: it answers requests of its own process.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Request, Response};
use parking_lot::Mutex;

use crate::line::endpoint::LineEndpoint;
use crate::line::faults::LineFaultsError;
use crate::line::memory::Memory;
use crate::line::memory::ledger::{LedgerSummary, LineReceipt};
use crate::line::options::LineOptions;
use crate::line::wire::{self, HangUp};

/// The simulated LINE without a port: it answers requests of its own process, with the same code.
/// All clones are one LINE.
///
/// For simulations on virtual time, where a socket would stop the clock.
#[derive(Clone, Debug)]
pub struct InProcessLine(Arc<Mutex<Memory>>);

impl InProcessLine {
    /// A LINE that has got no request yet. The port of the options is not used.
    ///
    /// Fails if the rates of the faults are not possible.
    pub fn new(options: LineOptions) -> Result<Self, LineFaultsError> {
        options.faults.check()?;
        Ok(Self(Arc::new(Mutex::new(Memory::new(options)))))
    }

    /// Answers a request, after the time that its fault takes. An error: the connection ends
    /// without an answer.
    pub async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HangUp> {
        let (parts, body) = request.into_parts();
        let endpoint = LineEndpoint::find(&parts.method, parts.uri.path());
        let max_body = endpoint.map_or(usize::MAX, LineEndpoint::max_body);
        let body = Some(body).filter(|body| body.len() <= max_body);
        wire::answer(&parts, body, &self.0).await
    }

    /// What was requested and accepted so far, in numbers.
    pub fn ledger(&self) -> LedgerSummary {
        self.0.lock().ledger.summary()
    }

    /// What one recipient (a LINE ID or a LINE Notify token) got, in order.
    pub fn receipts(&self, recipient: &str) -> Vec<LineReceipt> {
        self.0.lock().ledger.receipts(recipient)
    }

    /// Changes the options for the requests that come from now on, but not the clock.
    pub fn change(&self, change: impl FnOnce(&mut LineOptions)) {
        self.0.lock().change_options(change);
    }
}
