//! Sends that a FIFO queue has seen: within five minutes, the same again is accepted and not delivered. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html>
const INTERVAL: Millis = 5 * 60 * 1_000;

/// The deduplication ids of the last five minutes.
#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    seen: HashMap<Key, Sent>,
    /// In the order of sending, to forget them in.
    order: VecDeque<(Millis, Key)>,
}

/// A deduplication id, and the group that it counts in, where it does not count in the whole queue.
pub(crate) type Key = (Option<Arc<str>>, Arc<str>);

/// What was answered to the first send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message_id: Uuid,
    pub(crate) sequence: u64,
}

impl Deduplication {
    /// What was sent with this key in the last five minutes.
    pub(crate) fn seen(&mut self, key: &Key, now: Millis) -> Option<Sent> {
        while let Some((at, _)) = self.order.front() {
            if *at + INTERVAL > now {
                break;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.seen.remove(&key);
            }
        }
        self.seen.get(key).copied()
    }

    /// Remembers a send.
    pub(crate) fn remember(&mut self, key: Key, sent: Sent, now: Millis) {
        self.order.push_back((now, key.clone()));
        self.seen.insert(key, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_five_minutes_from_the_first_send() {
        let mut deduplication = Deduplication::default();
        let key: Key = (None, Arc::from("once"));
        let sent = Sent {
            message_id: Uuid::from_u128(7),
            sequence: 1,
        };
        assert_eq!(deduplication.seen(&key, 1_000), None);
        deduplication.remember(key.clone(), sent, 1_000);
        assert_eq!(deduplication.seen(&key, 1_000 + INTERVAL - 1), Some(sent));
        assert_eq!(
            deduplication.seen(&(Some(Arc::from("g")), Arc::from("once")), 1_000),
            None
        );
        assert_eq!(deduplication.seen(&key, 1_000 + INTERVAL), None);
        assert!(deduplication.seen.is_empty() && deduplication.order.is_empty());
    }
}
