//! What a batch changes on its queues, beside the answer to Lambda.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::batch::settlement::Settlement;
use crate::channel::backoff::seconds_until;
use crate::sqs::delivery_queue::{DeliveryQueue, Hidden};
use crate::sqs::record::Record;

/// Something to do on each queue, by the queue's ARN.
type ByQueue<'a, T> = BTreeMap<Option<&'a str>, Vec<T>>;

/// Changes on the queue what the answer to Lambda does not say.
pub(crate) async fn change_queue(
    queue: &DeliveryQueue,
    records: &[Arc<Record>],
    settlements: &[Settlement],
    now: Timestamp,
) {
    tokio::join!(
        hide(queue, records, settlements, now),
        delete(queue, behind_failures(records, settlements)),
    );
}

/// Hides everything that is handed back until it comes again, with one request for each queue.
async fn hide(
    queue: &DeliveryQueue,
    records: &[Arc<Record>],
    settlements: &[Settlement],
    now: Timestamp,
) {
    for (arn, hidden) in to_hide(records, settlements, now) {
        if let Err(error) = queue.hide(arn, &hidden).await {
            // The records come again all the same, when their visibility timeout runs out.
            tracing::warn!(%error, "visibility timeout not changed");
        }
    }
}

/// Deletes the records that have their outcome, before the answer to Lambda says so. `false`: some
/// of them may come again.
pub(crate) async fn delete_settled(
    queue: &DeliveryQueue,
    records: &[Arc<Record>],
    settlements: &[Settlement],
) -> bool {
    delete(queue, settled(records.iter().zip(settlements))).await
}

async fn delete(queue: &DeliveryQueue, handles: ByQueue<'_, &str>) -> bool {
    let mut are_gone = true;
    for (arn, handles) in handles {
        if let Err(error) = queue.delete(arn, &handles).await {
            tracing::warn!(%error, "records not deleted");
            are_gone = false;
        }
    }
    are_gone
}

fn to_hide<'a>(
    records: &'a [Arc<Record>],
    settlements: &[Settlement],
    now: Timestamp,
) -> ByQueue<'a, Hidden<'a>> {
    let mut queues = ByQueue::new();
    for (record, settlement) in records.iter().zip(settlements) {
        if let (Settlement::Return(again), Some(receipt_handle)) =
            (*settlement, &record.receipt_handle)
        {
            let queue = queues.entry(record.source_arn.as_deref()).or_default();
            Vec::push(
                queue,
                Hidden {
                    receipt_handle,
                    seconds: seconds_until(again, now),
                },
            );
        }
    }
    queues
}

/// What has its outcome and stands behind a failure in a batch of a FIFO queue. To Lambda all of
/// these failed too, so it does not delete them. At its last receive such a record would get a
/// second dead letter, from SQS and without a reason.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
fn behind_failures<'a>(
    records: &'a [Arc<Record>],
    settlements: &'a [Settlement],
) -> ByQueue<'a, &'a str> {
    let all = records.iter().zip(settlements);
    let behind = all.skip_while(|(_, settlement)| **settlement == Settlement::Acknowledge);
    settled(behind.filter(|(record, _)| record.fifo_group.is_some()))
}

fn settled<'a>(
    records: impl Iterator<Item = (&'a Arc<Record>, &'a Settlement)>,
) -> ByQueue<'a, &'a str> {
    let mut queues = ByQueue::new();
    for (record, settlement) in records {
        if let (Settlement::Acknowledge, Some(handle)) = (settlement, &record.receipt_handle) {
            let queue: &mut Vec<&str> = queues.entry(record.source_arn.as_deref()).or_default();
            queue.push(handle);
        }
    }
    queues
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::sqs::SqsMessage;
    use jiff::SignedDuration;

    fn record(handle: &str, fifo_group: Option<&str>) -> Arc<Record> {
        Arc::new(Record {
            receipt_handle: Some(handle.into()),
            fifo_group: fifo_group.map(Into::into),
            ..Record::of(0, SqsMessage::default())
        })
    }

    fn after(seconds: i64) -> Settlement {
        Settlement::Return(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds))
    }

    #[test]
    fn a_wait_counts_from_its_decision_and_not_from_the_end_of_the_batch() {
        let records = ["early", "late", "done"].map(|handle| record(handle, None));
        let settlements = [after(30), after(40), Settlement::Acknowledge];
        let ends = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(28);
        let queues = to_hide(&records, &settlements, ends);
        let hidden: Vec<(&str, u16)> = queues[&None]
            .iter()
            .map(|hidden| (hidden.receipt_handle, hidden.seconds))
            .collect();
        assert_eq!(hidden, [("early", 2), ("late", 12)]);
    }

    #[test]
    fn on_a_fifo_queue_what_is_settled_behind_a_failure_is_deleted() {
        use Settlement::{Acknowledge, Untouched};
        let settlements = [Acknowledge, after(5), Acknowledge, Untouched, Acknowledge];
        let names = ["a", "b", "c", "d", "e"];
        let fifo = names.map(|name| record(name, Some(name)));
        let queues = behind_failures(&fifo, &settlements);
        assert_eq!(queues, [(None, vec!["c", "e"])].into());
        let standard = names.map(|name| record(name, None));
        assert!(behind_failures(&standard, &settlements).is_empty());
        assert!(behind_failures(&fifo, &[Acknowledge; 5]).is_empty());
    }
}
