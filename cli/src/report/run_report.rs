//! The report of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fanline_local::LedgerSummary;
use serde::Serialize;

use crate::report::accounting::Accounting;
use crate::report::dead_letters::DeadLetterWords;
use crate::report::facts::RunFacts;
use crate::report::measurements::Measurements;

/// The result of a run, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct RunReport {
    pub(crate) run: String,
    #[serde(flatten)]
    pub(crate) facts: RunFacts,
    pub(crate) channel: &'static str,
    pub(crate) live: bool,
    #[serde(flatten)]
    pub(crate) accounting: Accounting,
    /// Requests to the channel that the list makes, without retries.
    pub(crate) deliveries: u64,
    /// Requests to the queue that published the deliveries.
    pub(crate) queue_requests: u64,
    /// Time from the first row read to the last outcome.
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) measurements: Measurements,
    /// Recipients in the dead-letter queue, by reason.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    /// The same in the channel's own words, each with an example.
    pub(crate) reasons: Vec<DeadLetterWords>,
    /// The files with the rows that can't be sent.
    pub(crate) rejects: Vec<String>,
    /// The file with everybody who did not get the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_reached: Option<PathBuf>,
    /// What the simulated LINE counted. A live run has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<SimulatedLineCounts>,
    /// Why the run ended early, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

impl RunReport {
    /// Whether LINE accepted every row once, and nothing ended the run early.
    pub(crate) fn is_complete(&self) -> bool {
        let doubled = self.line.as_ref().map_or(0, |line| line.recipients_doubled);
        self.accounting.all_accepted() && doubled == 0 && self.problem.is_none()
    }

    /// Where the run sent its messages, in words.
    pub(crate) fn target(&self) -> &'static str {
        if self.live {
            "LINE"
        } else {
            "the simulated LINE"
        }
    }
}

/// What the simulated LINE counted. It does not use the pipeline's counts, so it can prove them
/// wrong.
#[derive(Serialize)]
pub(crate) struct SimulatedLineCounts {
    pub(crate) recipients_accepted: u64,
    pub(crate) recipients_doubled: u64,
    pub(crate) requests_rate_limited: u64,
}

impl From<LedgerSummary> for SimulatedLineCounts {
    fn from(ledger: LedgerSummary) -> Self {
        Self {
            recipients_accepted: ledger.accepted_recipients,
            recipients_doubled: ledger.duplicates,
            requests_rate_limited: ledger.rate_limited,
        }
    }
}
