//! The result of a run: for people, for programs, and for the page.

use std::collections::BTreeMap;

use console::style;
use fanline_local::LedgerSummary;
use serde::Serialize;

use crate::record::Record;
use crate::say::{self, count};
use crate::sum::Sum;

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

impl Report {
    /// The report for people, on standard output.
    pub(crate) fn show(&self) {
        let to = if self.live {
            "LINE"
        } else {
            "the simulated LINE"
        };
        say::line(format_args!(
            "{}: {} rows to {to} in {:.1} s, {} deliveries\n",
            style(&self.run).bold(),
            count(self.sum.rows),
            self.seconds,
            count(self.deliveries)
        ));
        for (name, n, meaning) in self.sum.terms() {
            if n > 0 {
                let good = matches!(name, "accepted" | "already accepted" | "duplicates");
                let name = if good {
                    style(name).green()
                } else {
                    style(name).red()
                };
                say::line(format_args!(
                    "  {name:<18}{:>12}   {}",
                    count(n),
                    style(meaning).dim()
                ));
            }
        }
        say::line(format_args!("\n{}", self.sum.equation()));
        for (reason, n) in &self.dead_letters {
            say::line(format_args!("set aside as {reason}: {}", count(*n)));
        }
        for file in &self.rejects {
            say::line(format_args!("rejected rows: {file}"));
        }
        if let Some(line) = &self.line {
            say::line(format_args!(
                "the simulated LINE's ledger: {} reached, {} of them twice",
                count(line.recipients_accepted),
                count(line.recipients_doubled)
            ));
        }
        if let Some(problem) = &self.problem {
            say::note(format_args!(
                "{} {problem}",
                style("stopped:").for_stderr().red().bold()
            ));
        }
    }
}
