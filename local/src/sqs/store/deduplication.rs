//! The sends that a FIFO queue remembers. For five minutes it accepts the same message again
//! without delivering it. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html>
const DEDUPLICATION_INTERVAL: Millis = 5 * 60 * 1_000;

/// The deduplication ids of the last five minutes.
#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    first_sends: HashMap<DeduplicationKey, FirstSend>,
    /// In the order of the sends: the first one is forgotten first.
    order: VecDeque<(Millis, DeduplicationKey)>,
}

/// A deduplication id, and the group in which it counts. Without a group it counts in the whole
/// queue.
pub(crate) type DeduplicationKey = (Option<Arc<str>>, Arc<str>);

/// The answer to the first send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstSend {
    pub(crate) message_id: Uuid,
    pub(crate) sequence: u64,
}

impl Deduplication {
    /// The first send with this key in the last five minutes.
    pub(crate) fn first_send(&mut self, key: &DeduplicationKey, now: Millis) -> Option<FirstSend> {
        while let Some((at, _)) = self.order.front() {
            if *at + DEDUPLICATION_INTERVAL > now {
                break;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.first_sends.remove(&key);
            }
        }
        self.first_sends.get(key).copied()
    }

    /// Remembers a send.
    pub(crate) fn remember(&mut self, key: DeduplicationKey, sent: FirstSend, now: Millis) {
        self.order.push_back((now, key.clone()));
        self.first_sends.insert(key, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_five_minutes_from_the_first_send() {
        let mut deduplication = Deduplication::default();
        let key: DeduplicationKey = (None, Arc::from("once"));
        let sent = FirstSend {
            message_id: Uuid::from_u128(7),
            sequence: 1,
        };
        assert_eq!(deduplication.first_send(&key, 1_000), None);
        deduplication.remember(key.clone(), sent, 1_000);
        assert_eq!(
            deduplication.first_send(&key, 1_000 + DEDUPLICATION_INTERVAL - 1),
            Some(sent)
        );
        assert_eq!(
            deduplication.first_send(&(Some(Arc::from("g")), Arc::from("once")), 1_000),
            None
        );
        assert_eq!(
            deduplication.first_send(&key, 1_000 + DEDUPLICATION_INTERVAL),
            None
        );
        assert!(deduplication.first_sends.is_empty() && deduplication.order.is_empty());
    }
}
