//! LINE's latency, noted for the tick.

use std::collections::HashMap;

use fanline_ledger::{ObjectError, OutcomeMessage, RunKeys, Store, UpdateError, edit_watch};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// A process notes a run's latency so often.
const BETWEEN_NOTES: SignedDuration = SignedDuration::from_mins(1);
/// So many runs' notes are remembered.
const MAX_KEPT: usize = 64;

/// When this process noted the latency of each run last.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<HashMap<String, Timestamp>>);

impl Latencies {
    /// Notes the median latency of a run's outcomes in a batch, once a minute.
    pub(crate) async fn note(
        &self,
        store: &Store,
        run: &str,
        messages: impl Iterator<Item = &OutcomeMessage>,
        now: Timestamp,
    ) -> Result<(), UpdateError<ObjectError>> {
        if !self.is_due(run, now) {
            return Ok(());
        }
        let outcomes = messages.flat_map(|message| &message.outcomes);
        let mut latencies: Vec<u32> = outcomes.filter_map(|outcome| outcome.latency_ms).collect();
        let middle = latencies.len() / 2;
        if latencies.is_empty() {
            return Ok(());
        }
        let (_, median, _) = latencies.select_nth_unstable(middle);
        let median = *median;
        let keys = RunKeys::new(run);
        let noted = edit_watch(store, &keys, |watch| {
            watch.latency_ms = Some(median);
        });
        noted.await.map(drop)
    }

    fn is_due(&self, run: &str, now: Timestamp) -> bool {
        let mut noted = self.0.lock();
        let last = noted.get(run);
        if last.is_some_and(|last| now.duration_since(*last) < BETWEEN_NOTES) {
            return false;
        }
        if noted.len() >= MAX_KEPT {
            noted.clear();
        }
        noted.insert(run.to_owned(), now);
        true
    }
}
