//! The metric lines.

use fanline_telemetry::MetricLine;
use jiff::Timestamp;

/// What a batch of messages came to.
#[derive(Debug, Default)]
pub(crate) struct BatchCounts {
    /// Outcomes of deliveries and parts in the batch.
    pub(crate) outcomes: u64,
    /// Messages that can't be read. They come again, and end among the outcome dead letters.
    pub(crate) undecodable: u64,
    /// Messages that were not written to the ledger and come again.
    pub(crate) handed_back: u64,
    /// How often another bookkeeper was faster.
    pub(crate) conflicts: u64,
    /// Runs that the brake has paused.
    pub(crate) braked: u64,
    /// How long ago the oldest outcome came about.
    pub(crate) oldest: Option<Timestamp>,
}

impl BatchCounts {
    pub(crate) fn line(&self, function: &str, now: Timestamp) -> String {
        let mut line = MetricLine::new(now, &[("function", function)]);
        // Zeros too: an alarm needs them to be calm.
        line.metric("outcomes", "Count", self.outcomes);
        line.metric("undecodable", "Count", self.undecodable);
        line.metric("handed_back", "Count", self.handed_back);
        line.metric("conflicts", "Count", self.conflicts);
        line.metric("braked", "Count", self.braked);
        if let Some(oldest) = self.oldest {
            let age = now.duration_since(oldest).as_secs_f64().max(0.0);
            line.metric("outcome_age", "Seconds", age);
        }
        line.to_string()
    }
}
