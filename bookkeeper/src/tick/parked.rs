//! Parked deliveries that go back to their lanes, so that consumers settle them.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use fanline_ledger::{Control, Gate, RunControl, RunKeys, edit_watch, gate, read_watch};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Round;
use crate::error::LookError;
use crate::queue::run_of;

/// A look at the parked queue ends after this time: the invocation has a minute. The next tick goes
/// on.
const MAX_TIME: Duration = Duration::from_secs(25);
/// A consumer may park something of a run for so long after the run was resumed: it reads the
/// control object each second, and has a batch in hand.
const OUT_OF_DATE: SignedDuration = SignedDuration::from_mins(1);

impl Round<'_> {
    /// Puts what lies parked of runs that go on, or that have ended, back on the delivery queues:
    /// the consumers send it, or drop it as cancelled or expired.
    ///
    /// Only where something may be there: while a run is parked, the bookkeeper notes so, and it
    /// looks until a look finds nothing more. What stays parked is not looked at for nothing.
    pub(crate) async fn bring_back(&self, control: &Control) -> Result<(), LookError> {
        let Some(parked) = self.queues.parked() else {
            return Ok(());
        };
        let wanted = self.noted(control).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let found = Mutex::new(BTreeSet::new());
        let lane = |message: &mut Message| {
            let run = run_of(message)?;
            let entry = control.run(&run)?;
            let goes = self.may_order(&run) && is_settled_by_consumers(control, &run, self.now);
            let queue = self.queues.deliveries(entry.lane).filter(|_| goes)?;
            found.lock().insert(run);
            Some(queue)
        };
        let until = Instant::now() + MAX_TIME;
        let sifted = parked.sift(&lane, Some(until)).await?;
        if sifted.moved > 0 {
            let deliveries = sifted.moved;
            tracing::info!(deliveries, "parked deliveries are back on their queues");
        }
        let found = found.into_inner();
        for (run, entry) in wanted {
            let is_up_to_date = self.now.duration_since(entry.since) >= OUT_OF_DATE;
            if sifted.is_complete && is_up_to_date && !found.contains(run) {
                edit_watch(self.store, &RunKeys::new(run), |watch| watch.parked = false).await?;
            }
        }
        Ok(())
    }

    /// Notes which runs are being parked, and gives those that were and are not now.
    async fn noted<'a>(
        &self,
        control: &'a Control,
    ) -> Result<Vec<(&'a str, &'a RunControl)>, LookError> {
        let mut wanted = Vec::new();
        let unclosed = control
            .runs()
            .iter()
            .filter(|(_, run)| run.closed.is_none());
        for (run, entry) in unclosed.filter(|(run, _)| self.may_order(run)) {
            let keys = RunKeys::new(run);
            if gate(control, run, self.now) == Gate::Park {
                edit_watch(self.store, &keys, |watch| watch.parked = true).await?;
            } else if is_settled_by_consumers(control, run, self.now)
                && read_watch(self.store, &keys).await?.parked
            {
                wanted.push((run.as_str(), entry));
            }
        }
        Ok(wanted)
    }
}

/// Whether a consumer settles the run's deliveries now, and neither keeps nor parks them.
fn is_settled_by_consumers(control: &Control, run: &str, now: Timestamp) -> bool {
    matches!(gate(control, run, now), Gate::Send | Gate::Drop)
}
