//! The result of a run: what it came to, and its forms for people, for programs and as a page.

use std::collections::BTreeMap;

use fanline_local::LedgerSummary;
use serde::Serialize;

use crate::report::accounting::Sum;
use crate::report::measurements::Record;

pub(crate) mod accounting;
pub(crate) mod dead_letters;
pub(crate) mod html;
pub(crate) mod measurements;
pub(crate) mod outcomes;
mod terminal;

/// The result of a run, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) run: String,
    pub(crate) channel: &'static str,
    pub(crate) live: bool,
    #[serde(flatten)]
    pub(crate) sum: Sum,
    /// Requests to the channel that the list came to, before any retry.
    pub(crate) deliveries: u64,
    /// Requests to the queue that published them.
    pub(crate) queue_requests: u64,
    /// From the first row read to the last outcome.
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) record: Record,
    /// Why deliveries were set aside, and how many people that is.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    /// The files with the rows that can't be sent.
    pub(crate) rejects: Vec<String>,
    /// The simulated LINE's own count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<Ledger>,
    /// Why the run ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// What the simulated LINE saw: the judge of the run, which knows nothing of the pipeline's own counts.
#[derive(Serialize)]
pub(crate) struct Ledger {
    recipients_accepted: u64,
    recipients_doubled: u64,
    requests_rate_limited: u64,
}

impl From<LedgerSummary> for Ledger {
    fn from(ledger: LedgerSummary) -> Self {
        Self {
            recipients_accepted: ledger.accepted_recipients,
            recipients_doubled: ledger.duplicates,
            requests_rate_limited: ledger.rate_limited,
        }
    }
}
