//! A channel on hold: no request is made, except for one probe a minute.

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Why a channel is on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HoldReason {
    /// The month's messages are used up.
    Quota,
    /// There is no token that the channel accepts.
    Unauthorized,
}

impl HoldReason {
    /// The reason as the log writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// A channel on hold costs one request a minute.
const BETWEEN_PROBES: SignedDuration = SignedDuration::from_secs(60);

/// The hold of one channel in one environment.
///
/// Nobody tells us when a hold may end. So one delivery a minute is sent as a probe. When the
/// channel accepts it, the hold is over.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Option<State>>);

#[derive(Clone, Copy)]
struct State {
    reason: HoldReason,
    since: Timestamp,
    next_probe: Timestamp,
}

impl Hold {
    /// Why sending is on hold, or `None`. Does not use up the probe.
    pub(crate) fn reason(&self, now: Timestamp) -> Option<HoldReason> {
        let state = *self.0.lock();
        state
            .filter(|state| now < state.next_probe)
            .map(|state| state.reason)
    }

    /// Why sending is on hold, or `None`: then send. During a hold only the probe gets `None`.
    pub(crate) fn admit(&self, now: Timestamp) -> Option<HoldReason> {
        let mut state = self.0.lock();
        let state = state.as_mut()?;
        if now < state.next_probe {
            return Some(state.reason);
        }
        state.next_probe = next_probe(now);
        None
    }

    /// Puts the channel on hold.
    pub(crate) fn begin(&self, reason: HoldReason, now: Timestamp) {
        *self.0.lock() = Some(State {
            reason,
            since: now,
            next_probe: next_probe(now),
        });
    }

    /// The channel accepted a request that departed at `departed`. That ends a hold, unless the
    /// hold began after that.
    pub(crate) fn end(&self, departed: Timestamp) {
        let mut state = self.0.lock();
        if state.is_some_and(|state| departed > state.since) {
            *state = None;
        }
    }
}

fn next_probe(now: Timestamp) -> Timestamp {
    now.checked_add(BETWEEN_PROBES).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_hold_stops_everything_at_once() {
        let hold = Hold::default();
        assert_eq!(hold.admit(at(0)), None);
        hold.begin(HoldReason::Quota, at(10));
        for second in 10..70 {
            assert_eq!(hold.reason(at(second)), Some(HoldReason::Quota));
            assert_eq!(hold.admit(at(second)), Some(HoldReason::Quota));
        }
    }

    #[test]
    fn one_probe_a_minute_goes_through() {
        let hold = Hold::default();
        hold.begin(HoldReason::Unauthorized, at(0));
        let probes = (0..600)
            .filter(|second| hold.admit(at(*second)).is_none())
            .count();
        assert_eq!(probes, 9);
    }

    #[test]
    fn an_accepted_probe_ends_it_and_an_older_request_does_not() {
        let hold = Hold::default();
        hold.begin(HoldReason::Quota, at(10));
        hold.end(at(9));
        assert_eq!(hold.admit(at(11)), Some(HoldReason::Quota));
        assert_eq!(hold.admit(at(71)), None, "the probe");
        hold.end(at(71));
        assert_eq!(hold.admit(at(72)), None);
    }
}
