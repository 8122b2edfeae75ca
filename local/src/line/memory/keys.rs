//! The retry keys that the simulated LINE remembers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::line::text::Digest128;

/// A key is kept for 24 hours from the first request with it, accepted or not.
/// <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// What LINE knows of the requests with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownKey {
    first: Timestamp,
    body: Digest128,
    /// How many requests have had it, this one included.
    pub(crate) attempt: u32,
    /// Whether the body of this request differs from the first one. LINE forbids that.
    pub(crate) changed: bool,
    /// The request that was accepted with it, if there is one.
    pub(crate) accepted: Option<AcceptedSend>,
}

/// The parts of an accepted request that a later 409 repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AcceptedSend {
    /// The number of the request.
    pub(crate) request: u64,
    /// How many message objects it has.
    pub(crate) messages: usize,
}

/// The keys of all channels.
#[derive(Debug, Default)]
pub(crate) struct RetryKeys {
    known: HashMap<(u32, Uuid), KnownKey>,
}

impl RetryKeys {
    /// Notes a request with `key`. Gives what is known of the key.
    pub(crate) fn see(
        &mut self,
        channel: u32,
        key: Uuid,
        body: Digest128,
        now: Timestamp,
    ) -> KnownKey {
        let new = KnownKey {
            first: now,
            body,
            attempt: 1,
            changed: false,
            accepted: None,
        };
        match self.known.entry((channel, key)) {
            Entry::Vacant(free) => *free.insert(new),
            Entry::Occupied(mut taken) => {
                let known = taken.get_mut();
                if now.duration_since(known.first) >= KEY_LIFETIME {
                    *known = new;
                } else {
                    known.attempt = known.attempt.saturating_add(1);
                    known.changed = known.body != body;
                }
                *known
            }
        }
    }

    /// Notes that the request with `key` was accepted.
    pub(crate) fn accept(&mut self, channel: u32, key: Uuid, accepted: AcceptedSend) {
        if let Some(known) = self.known.get_mut(&(channel, key)) {
            known.accepted = Some(accepted);
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
    fn each_channel_has_its_own_keys() {
        let mut keys = RetryKeys::default();
        keys.see(0, KEY, [1; 16], at(0));
        assert_eq!(keys.see(1, KEY, [2; 16], at(0)).attempt, 1);
    }

    #[test]
    fn a_known_key_with_another_body_is_noticed() {
        let mut keys = RetryKeys::default();
        assert!(!keys.see(0, KEY, [1; 16], at(0)).changed);
        assert!(keys.see(0, KEY, [2; 16], at(1)).changed);
        assert!(!keys.see(0, KEY, [1; 16], at(1)).changed);
    }
}
