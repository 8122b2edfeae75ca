//! Tells the ledger what became of a batch, and hands back what it could not be told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanline_core::channel::Channel;
use fanline_core::delivery::Delivery;
use futures_util::future::join_all;

use crate::batch::requeue::copy_back;
use crate::batch::{Batch, Settlement};
use crate::channel::backoff::{self, RetryCause};
use crate::sqs::outcome_queue::{OutcomeQueue, OutcomeQueueError};
use crate::sqs::record::Record;

/// A copy of a record takes no longer. All are made at the same time.
const MAX_COPY: Duration = Duration::from_millis(400);

/// Sends an outcome message for each run of the batch, within `time`.
///
/// Where that fails, the settled records of the channel `line` come again. LINE answers them 409,
/// and the ledger hears it then. LINE Notify has no retry key and would send them twice, so its
/// records stay acknowledged, and are counted as `unrecorded`.
pub(crate) async fn record_outcomes(
    batch: &Batch,
    records: &[Arc<Record>],
    settlements: &mut [Settlement],
    time: Duration,
) {
    let Some(queue) = &batch.environment.outcome_queue else {
        return;
    };
    let runs = std::mem::take(&mut *batch.report.lock()).into_runs();
    let sent = runs.into_iter().map(async |(run, report)| {
        let bodies = report.bodies(&run);
        let problem = send(queue, bodies, time).await.err();
        (run, report.entries, problem)
    });
    let mut untold: BTreeMap<usize, (Channel, u64)> = BTreeMap::new();
    for (run, entries, problem) in join_all(sent).await {
        let Some(problem) = problem else { continue };
        let outcomes = entries.len();
        tracing::warn!(run, outcomes, error = problem, "outcome message not sent");
        for entry in entries {
            let (_, people) = untold.entry(entry.position).or_insert((entry.channel, 0));
            *people += u64::from(entry.outcome.people);
        }
    }
    let settled = untold.into_iter().filter_map(|(position, untold)| {
        let settlement = settlements.get(position)?;
        let record = records.get(position)?;
        let is_settled = *settlement == Settlement::Acknowledge;
        is_settled.then_some((position, record, untold))
    });
    let changed = settled.map(async |(position, record, (channel, people))| {
        let settlement = unrecorded(batch, record, channel, people).await;
        (position, settlement)
    });
    for (position, settlement) in join_all(changed).await {
        if let Some(place) = settlements.get_mut(position) {
            *place = settlement;
        }
    }
}

async fn send(queue: &OutcomeQueue, bodies: Vec<String>, time: Duration) -> Result<(), String> {
    match tokio::time::timeout(time, queue.send(bodies)).await {
        Ok(sent) => sent.map_err(|error: OutcomeQueueError| error.to_string()),
        Err(_) => Err("SQS did not answer in time".into()),
    }
}

/// What becomes of a settled record to so many people that the ledger was not told of.
async fn unrecorded(batch: &Batch, record: &Record, channel: Channel, people: u64) -> Settlement {
    let wait = wait(batch, record).filter(|_| channel == Channel::Line);
    let Some((mut delivery, wait)) = wait else {
        let mut tally = batch.tally.lock();
        *tally.channel(channel).unrecorded.get_or_insert(0) += people;
        return Settlement::Acknowledge;
    };
    if record.receive_count < batch.environment.settings.max_receive_count {
        return batch.back_after(wait);
    }
    // The receives of the copy are counted anew.
    delivery.perhaps_taken = true;
    let copied = copy_back(batch, record, &delivery, wait);
    let copied = tokio::time::timeout(MAX_COPY, copied).await;
    copied.unwrap_or_else(|_| batch.back_after(wait))
}

/// The record's delivery, and how long it waits. `None`: it can't come again.
fn wait(batch: &Batch, record: &Record) -> Option<(Delivery, u16)> {
    let delivery = record.delivery()?.clone();
    let cause = RetryCause::Fault;
    let wait = batch.wait(record, cause);
    let wait = backoff::within(wait, cause, &delivery.envelope, batch.draw(), batch.now())?;
    Some((delivery, wait))
}
