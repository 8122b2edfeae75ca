//! A delivery that is not sent now because of the control object: it waits, or it is parked.

use std::borrow::Cow;

use fanline_core::delivery::Delivery;
use uuid::Uuid;

use crate::batch::tally::ChannelTally;
use crate::batch::{Batch, Prepared, Settlement};
use crate::channel::backoff::{self, RetryCause};
use crate::sqs::record::Record;

/// A delivery of a paused run, or of one that nobody knows anything of. It waited in the invocation
/// and comes again later, also after its `expires_at`: that may still be put off. `is_whole`: it is
/// not a part, whose record is settled with the others of its split.
pub(super) async fn wait(
    batch: &Batch,
    record: &Record,
    prepared: &Prepared,
    is_whole: bool,
) -> Settlement {
    count(batch, prepared, |tally, people| tally.paused += people);
    let wait = backoff::paused(record.receive_count, batch.draw());
    let is_last = record.receive_count >= batch.environment.settings.max_receive_count;
    if is_whole && is_last {
        copy_back(batch, record, &marked(record, prepared), wait).await
    } else {
        batch.back_after(wait)
    }
}

/// A delivery of a run that is paused while others go on. On a FIFO queue, what follows it would
/// overtake it, so there it waits.
pub(super) async fn park(
    batch: &Batch,
    record: &Record,
    prepared: &Prepared,
    body: Option<&str>,
) -> Settlement {
    let queue = batch.environment.parked_queue.as_ref();
    let Some(queue) = queue.filter(|_| record.fifo_group.is_none()) else {
        return wait(batch, record, prepared, body.is_some()).await;
    };
    let delivery = &prepared.delivery;
    // The receives of the parked message are counted anew.
    let is_marked = delivery.perhaps_taken || !prepared.is_perhaps_taken(record);
    let body = match body {
        Some(body) if is_marked => Cow::Borrowed(body),
        _ => Cow::Owned(record.encode(&marked(record, prepared))),
    };
    match queue.send(&delivery.envelope.run, &body).await {
        Ok(()) => {
            count(batch, prepared, |tally, people| tally.parked += people);
            Settlement::Acknowledge
        }
        Err(error) => {
            let message_id = record.message_id.as_deref();
            tracing::warn!(%error, message_id, "delivery not parked, record handed back");
            batch.back_after(batch.wait(record, RetryCause::Fault))
        }
    }
}

/// Puts a copy of a record's delivery on the queue, and acknowledges the record: after its last
/// receive SQS would set it aside. If that can't be done, SQS does.
pub(super) async fn copy_back(
    batch: &Batch,
    record: &Record,
    copy: &Delivery,
    wait: u16,
) -> Settlement {
    let (arn, body) = (record.source_arn.as_deref(), record.encode(copy));
    let queue = &batch.environment.delivery_queue;
    let put = match &record.fifo_group {
        None => queue.put(arn, body, wait).await,
        Some(group) => {
            let identity = Uuid::from_u128(batch.environment.surroundings.random.bits());
            queue.put_in_group(arn, body, group, identity).await
        }
    };
    match put {
        Ok(()) => Settlement::Acknowledge,
        Err(error) => {
            let message_id = record.message_id.as_deref();
            tracing::warn!(%error, message_id, "copy not put back, record handed back");
            batch.back_after(wait)
        }
    }
}

/// The delivery for a message of its own, whose receives are counted anew.
fn marked(record: &Record, prepared: &Prepared) -> Delivery {
    let mut copy = Delivery::clone(&prepared.delivery);
    copy.perhaps_taken = prepared.is_perhaps_taken(record);
    copy
}

fn count(batch: &Batch, prepared: &Prepared, add: impl FnOnce(&mut ChannelTally, u64)) {
    let Delivery {
        envelope,
        recipients,
        ..
    } = &*prepared.delivery;
    let mut tally = batch.tally.lock();
    add(tally.channel(envelope.channel), recipients.len() as u64);
}
