//! The retry keys that the simulated LINE remembers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::line::memory::ledger::Digest;

/// A key is kept 24 hours from the first request that carried it, whatever became of that request.
/// <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What LINE knows of the requests with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    first: Timestamp,
    body: Digest,
    /// How many requests have carried it, this one included.
    pub(crate) attempt: u32,
    /// Whether this request's body is another than the first one's, which LINE forbids.
    pub(crate) changed: bool,
    /// The request that was accepted with it.
    pub(crate) accepted: Option<AcceptedSend>,
}

/// A request that LINE accepted, as far as a later 409 repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AcceptedSend {
    /// The number of the request.
    pub(crate) request: u64,
    /// How many message objects it had.
    pub(crate) messages: usize,
}

/// All keys of all channels.
#[derive(Debug, Default)]
pub(crate) struct RetryKeys {
    kept: HashMap<(u32, Uuid), Kept>,
}

impl RetryKeys {
    /// Notes a request with `key` and says what was known of it.
    pub(crate) fn see(&mut self, channel: u32, key: Uuid, body: Digest, now: Timestamp) -> Kept {
        let new = Kept {
            first: now,
            body,
            attempt: 1,
            changed: false,
            accepted: None,
        };
        match self.kept.entry((channel, key)) {
            Entry::Vacant(free) => *free.insert(new),
            Entry::Occupied(mut taken) => {
                let kept = taken.get_mut();
                if now.duration_since(kept.first) >= KEPT {
                    *kept = new;
                } else {
                    kept.attempt = kept.attempt.saturating_add(1);
                    kept.changed = kept.body != body;
                }
                *kept
            }
        }
    }

    /// Notes that the request with `key` was accepted.
    pub(crate) fn accept(&mut self, channel: u32, key: Uuid, accepted: AcceptedSend) {
        if let Some(kept) = self.kept.get_mut(&(channel, key)) {
            kept.accepted = Some(accepted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Uuid = Uuid::from_u128(7);

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn a_key_is_remembered_for_24_hours_from_the_first_request() {
        let mut keys = RetryKeys::default();
        let accepted = AcceptedSend {
            request: 1,
            messages: 1,
        };
        assert_eq!(keys.see(0, KEY, [1; 16], at(0)).accepted, None);
        assert_eq!(keys.see(0, KEY, [1; 16], at(20)).accepted, None);
        keys.accept(0, KEY, accepted);
        assert_eq!(keys.see(0, KEY, [1; 16], at(23)).accepted, Some(accepted));
        let forgotten = keys.see(0, KEY, [1; 16], at(24));
        assert_eq!((forgotten.accepted, forgotten.attempt), (None, 1));
    }

    #[test]
    fn another_channel_has_keys_of_its_own() {
        let mut keys = RetryKeys::default();
        keys.see(0, KEY, [1; 16], at(0));
        assert_eq!(keys.see(1, KEY, [2; 16], at(0)).attempt, 1);
    }

    #[test]
    fn a_changed_body_under_an_old_key_is_noticed() {
        let mut keys = RetryKeys::default();
        assert!(!keys.see(0, KEY, [1; 16], at(0)).changed);
        assert!(keys.see(0, KEY, [2; 16], at(1)).changed);
        assert!(!keys.see(0, KEY, [1; 16], at(1)).changed);
    }
}
