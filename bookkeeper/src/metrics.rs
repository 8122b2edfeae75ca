//! The metric lines.

use fanline_ledger::Lateness;
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

/// What a tick has found.
#[derive(Debug, Default)]
pub(crate) struct TickCounts {
    /// Runs that are not closed.
    pub(crate) open_runs: u64,
    /// Their people without an outcome, those too whom no producer has read yet.
    pub(crate) waiting: u64,
    /// People without an outcome whom nothing can bring one any more, of runs closed by this tick.
    pub(crate) missing: u64,
    /// Rows that don't add up, of runs closed by this tick.
    pub(crate) imbalance: u64,
    /// Slices that are published again.
    pub(crate) swept: u64,
    /// Runs and queues that could not be looked at.
    pub(crate) failures: u64,
    /// The worst run's; `None` where no run is being sent.
    pub(crate) lateness: Option<Lateness>,
}

impl TickCounts {
    pub(crate) fn line(&self, function: &str, now: Timestamp) -> String {
        let mut line = MetricLine::new(now, &[("function", function)]);
        line.metric("open_runs", "Count", self.open_runs);
        line.metric("waiting", "Count", self.waiting);
        line.metric("missing", "Count", self.missing);
        line.metric("imbalance", "Count", self.imbalance);
        line.metric("swept", "Count", self.swept);
        line.metric("tick_failures", "Count", self.failures);
        // Missing data is no alarm.
        if let Some(lateness) = self.lateness {
            line.metric("late_at_best_seconds", "Seconds", lateness.at_best);
            if let Some(late) = lateness.at_this_rate {
                line.metric("late_seconds", "Seconds", late);
            }
        }
        line.to_string()
    }
}
