//! The order in which a batch is settled. Pure.

use std::sync::Arc;

use fanline_core::channel::Channel;

use crate::sqs::record::{Record, Row, rows};

/// The rows of a batch, by when they are settled.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// At once, and all at the same time.
    pub at_once: Vec<Row>,
    /// One group of rows after the other. What has its outcome is deleted before the next group.
    pub in_turn: Vec<Vec<Row>>,
}

/// A LINE Notify delivery that comes again goes alone.
///
/// It may be what ended the environment the last time, with too large an image for example. Without
/// a retry key, everybody whose message was sent beside it would get another one each time. So the
/// others are sent and deleted before it.
pub(crate) fn turns(records: &[Arc<Record>]) -> Turns {
    let rows = rows(records);
    let comes_again = |record: &Record| record.receive_count > 1 && is_line_notify(record);
    let goes_alone = |row: &Row| row.iter().any(|(_, record)| comes_again(record));
    let (alone, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(goes_alone);
    if alone.is_empty() {
        return Turns {
            at_once: others,
            in_turn: Vec::new(),
        };
    }
    let is_of_line_notify = |row: &Row| row.iter().any(|(_, record)| is_line_notify(record));
    let (first, at_once): (Vec<Row>, Vec<Row>) = others.into_iter().partition(is_of_line_notify);
    let mut in_turn = vec![first];
    in_turn.extend(alone.into_iter().map(|row| vec![row]));
    in_turn.retain(|group| !group.is_empty());
    Turns { at_once, in_turn }
}

fn is_line_notify(record: &Record) -> bool {
    let delivery = record.delivery();
    delivery.is_some_and(|delivery| delivery.envelope.channel == Channel::LineNotify)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::record::Content;
    use aws_lambda_events::sqs::SqsMessage;
    use std::sync::OnceLock;

    fn record(channel: &str, receive_count: u32, fifo_group: Option<&str>) -> Arc<Record> {
        let body = format!(
            r#"{{"v":1,"run":"r","channel":"{channel}","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"}}"#
        );
        Arc::new(Record {
            content: OnceLock::from(Content::plain(&body)),
            body,
            receive_count,
            fifo_group: fifo_group.map(Into::into),
            ..Record::of(0, SqsMessage::default())
        })
    }

    fn positions(rows: &[Row]) -> Vec<Vec<usize>> {
        let of_row = |row: &Row| row.iter().map(|(position, _)| *position).collect();
        rows.iter().map(of_row).collect()
    }

    fn settled(records: &[Arc<Record>]) -> (Vec<Vec<usize>>, Vec<Vec<Vec<usize>>>) {
        let Turns { at_once, in_turn } = turns(records);
        let in_turn = in_turn.iter().map(|group| positions(group)).collect();
        (positions(&at_once), in_turn)
    }

    #[test]
    fn a_line_notify_delivery_that_comes_again_goes_alone_after_the_others() {
        let new = record("line-notify", 1, None);
        let again = record("line-notify", 2, None);
        let line = record("line", 7, None);
        let records = [&again, &new, &line, &again, &new].map(Arc::clone);
        let in_turn = vec![vec![vec![1], vec![4]], vec![vec![0]], vec![vec![3]]];
        assert_eq!(settled(&records), (vec![vec![2]], in_turn));
        let records = [&again, &line].map(Arc::clone);
        assert_eq!(settled(&records), (vec![vec![1]], vec![vec![vec![0]]]));
    }

    #[test]
    fn without_one_all_are_settled_at_once() {
        let records = [record("line-notify", 1, None), record("line", 9, None)];
        assert_eq!(settled(&records), (vec![vec![0], vec![1]], vec![]));
        assert_eq!(settled(&[]), (vec![], vec![]));
    }

    #[test]
    fn a_fifo_group_keeps_its_order() {
        let records = [
            record("line-notify", 3, Some("a")),
            record("line-notify", 1, Some("b")),
            record("line-notify", 1, Some("a")),
        ];
        let in_turn = vec![vec![vec![1]], vec![vec![0, 2]]];
        assert_eq!(settled(&records), (vec![], in_turn));
    }
}
