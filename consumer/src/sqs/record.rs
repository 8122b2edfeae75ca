//! A queue message as Lambda hands it over, with the fields that matter here.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsMessage;
use fanline_core::limits::sqs::is_fifo;

/// One record of the event. Any field may be missing.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Where it stands in the event, from 0.
    pub position: usize,
    /// A batch item failure names it.
    pub message_id: Option<String>,
    /// A change of visibility names it.
    pub receipt_handle: Option<String>,
    /// The body. A missing one is the same as an empty one.
    pub body: String,
    /// How often SQS has delivered it, this time included. A missing count is taken for the first.
    pub receive_count: u32,
    /// The message group, on a FIFO queue. A standard queue may have groups too (fair queues), but
    /// these give no order.
    pub fifo_group: Option<String>,
    /// The queue's ARN.
    pub source_arn: Option<String>,
}

impl Record {
    /// The record at this position of its event.
    pub(crate) fn of(position: usize, message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name);
        let on_fifo = message.event_source_arn.as_deref().is_some_and(is_fifo);
        Self {
            position,
            receive_count: attribute("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            fifo_group: attribute("MessageGroupId").filter(|_| on_fifo).cloned(),
            message_id: message.message_id.filter(|id| !id.is_empty()),
            receipt_handle: message.receipt_handle.filter(|handle| !handle.is_empty()),
            body: message.body.unwrap_or_default(),
            source_arn: message.event_source_arn,
        }
    }
}

/// Records that are settled one after the other, with their positions in the event.
pub(crate) type Row = Vec<(usize, Arc<Record>)>;

/// The records in rows. The records of a row are settled one after the other: a FIFO message group
/// is one row, every other record a row of its own. Positions are those of the event.
pub(crate) fn rows(records: &[Arc<Record>]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(records.len());
    for (position, record) in records.iter().map(Arc::clone).enumerate() {
        let row = rows.iter_mut().find(|row| {
            row.first().is_some_and(|(_, first)| {
                first.fifo_group.is_some() && first.fifo_group == record.fifo_group
            })
        });
        match row {
            Some(row) => row.push((position, record)),
            None => rows.push(vec![(position, record)]),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(value: serde_json::Value) -> Record {
        Record::of(0, serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_record_without_anything_is_still_a_record() {
        let bare = record(json!({}));
        assert_eq!(bare.message_id, None);
        assert_eq!(bare.body, "");
        assert_eq!(bare.receive_count, 1);
        let empty =
            record(json!({"messageId": "", "receiptHandle": "", "body": null, "attributes": null}));
        assert_eq!(empty.message_id, None);
        assert_eq!(empty.receipt_handle, None);
    }

    #[test]
    fn only_a_fifo_queues_groups_are_kept_in_order() {
        let of = |queue: &str, group: &str| {
            record(json!({
                "messageId": "m",
                "eventSourceARN": format!("arn:aws:sqs:eu-west-1:1:{queue}"),
                "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": "3"},
            }))
        };
        let records = [
            of("q.fifo", "a"),
            of("q.fifo", "b"),
            of("q.fifo", "a"),
            of("q", "a"),
            of("q", "a"),
        ];
        let rows = rows(&records.map(Arc::new));
        let positions: Vec<Vec<usize>> = rows
            .iter()
            .map(|row| row.iter().map(|(position, _)| *position).collect())
            .collect();
        assert_eq!(positions, [vec![0, 2], vec![1], vec![3], vec![4]]);
        assert_eq!(rows[0][0].1.receive_count, 3);
    }
}
