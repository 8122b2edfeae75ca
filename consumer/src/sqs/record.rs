//! A queue message as Lambda hands it over, with the fields that matter here.

use std::sync::{Arc, OnceLock};

use aws_lambda_events::sqs::SqsMessage;
use fanline_core::delivery::{DecodeError, Delivery};
use fanline_core::limits::sqs::is_fifo;
use fanline_seal::{Label, OpenError, Opened, SliceKey};

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
    /// What the body is, once it is known. A sealed one may have to wait for its key.
    pub content: OnceLock<Result<Content, Unreadable>>,
}

/// The delivery of a record.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// The delivery.
    pub delivery: Arc<Delivery>,
    /// The data key that it was sealed with. `None`: it was in plain text.
    pub key: Option<Arc<SliceKey>>,
}

/// Why a record has no delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The body is not a delivery, or a sealed one where nothing is opened.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The body does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Content {
    /// The delivery of a body in plain text.
    pub(crate) fn plain(body: &str) -> Result<Self, Unreadable> {
        let delivery = Delivery::decode(body)?;
        Ok(Self {
            delivery: Arc::new(delivery),
            key: None,
        })
    }

    /// The delivery of an opened body. Its run is the one that its data key is bound to.
    pub(crate) fn opened(opened: Opened) -> Result<Self, Unreadable> {
        let Opened { body, key } = opened;
        let delivery = Delivery::decode(&body)?;
        if delivery.envelope.run != key.run() {
            return Err(OpenError::Forged.into());
        }
        Ok(Self {
            delivery: Arc::new(delivery),
            key: Some(key),
        })
    }
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
            content: OnceLock::new(),
        }
    }

    /// The record's delivery, if it is known.
    pub(crate) fn delivery(&self) -> Option<&Delivery> {
        let content = self.content.get()?.as_ref().ok()?;
        Some(&content.delivery)
    }

    /// The body of a queue message with this delivery, which is the record's or a part of it. It is
    /// sealed if the record was.
    pub(crate) fn encode(&self, delivery: &Delivery) -> String {
        let plain = delivery.encode();
        let content = self.content.get().and_then(|content| content.as_ref().ok());
        match content.and_then(|content| content.key.as_ref()) {
            None => plain,
            Some(key) => {
                let label = Label {
                    at: delivery.at.as_deref(),
                    people: delivery.recipients.len(),
                };
                key.seal(&plain, label)
            }
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
