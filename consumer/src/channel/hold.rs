//! The channel is stopped: nothing is sent until a probe gets through.

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Why the channel is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// The month's messages are used up.
    Quota,
    /// There is no token that the channel takes.
    Unauthorized,
}

impl Why {
    /// The reason as the log writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// How long nothing is sent before one delivery may try: long enough that a stopped channel costs one request a minute.
const BEFORE_A_PROBE: SignedDuration = SignedDuration::from_secs(60);

/// One channel's hold in one environment. Its end is found out, not announced: once a minute one delivery goes through, and
/// where it is accepted the rest follow.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Option<Held>>);

#[derive(Clone, Copy)]
struct Held {
    why: Why,
    since: Timestamp,
    probe_at: Timestamp,
}

impl Hold {
    /// Why nothing may be sent now, without taking part in it.
    pub(crate) fn stopped(&self, now: Timestamp) -> Option<Why> {
        self.0
            .lock()
            .filter(|hold| now < hold.probe_at)
            .map(|hold| hold.why)
    }

    /// Asks to send now. `None` is leave: whoever gets it during a hold is the probe, and the only one for a minute.
    pub(crate) fn admit(&self, now: Timestamp) -> Option<Why> {
        let mut state = self.0.lock();
        let hold = state.as_mut()?;
        if now < hold.probe_at {
            return Some(hold.why);
        }
        hold.probe_at = later(now);
        None
    }

    /// Stops the channel.
    pub(crate) fn begin(&self, why: Why, now: Timestamp) {
        *self.0.lock() = Some(Held {
            why,
            since: now,
            probe_at: later(now),
        });
    }

    /// A request that departed at `departed` was taken: the hold is over, unless it began after that.
    pub(crate) fn end(&self, departed: Timestamp) {
        let mut held = self.0.lock();
        if held.is_some_and(|hold| departed > hold.since) {
            *held = None;
        }
    }
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(BEFORE_A_PROBE).unwrap_or(Timestamp::MAX)
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
        hold.begin(Why::Quota, at(10));
        for second in 10..70 {
            assert_eq!(hold.admit(at(second)), Some(Why::Quota));
        }
    }

    #[test]
    fn one_probe_a_minute_goes_through() {
        let hold = Hold::default();
        hold.begin(Why::Unauthorized, at(0));
        let probes = (0..600)
            .filter(|second| hold.admit(at(*second)).is_none())
            .count();
        assert_eq!(probes, 9);
    }

    #[test]
    fn an_accepted_probe_ends_it_and_an_older_request_does_not() {
        let hold = Hold::default();
        hold.begin(Why::Quota, at(10));
        hold.end(at(9));
        assert_eq!(hold.admit(at(11)), Some(Why::Quota));
        assert_eq!(hold.admit(at(71)), None, "the probe");
        hold.end(at(71));
        assert_eq!(hold.admit(at(72)), None);
    }
}
