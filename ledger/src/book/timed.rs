//! A cell of a book, and when it came about.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::over_time::MIN_SECONDS;
use crate::outcomes::Cell;

/// A cell as its code, 0 where there is none, and when it came about.
///
/// The larger code wins, and of equal ones the earlier time. A time that an older build has not
/// written down loses against any other. So a merge of these is commutative, associative and
/// idempotent as that of the codes is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Timed {
    pub(super) code: u16,
    /// The interval of five seconds since 1970, from 1. It is 0 where the time is not known, and
    /// for what LINE took at the time: [`super::PeopleOverTime`] has counted those already.
    pub(super) interval: u32,
}

impl Timed {
    /// A cell of this time.
    pub(super) fn new(cell: Cell, time: Timestamp) -> Self {
        let interval = if cell.is_accepted_now() {
            0
        } else {
            let interval = time.as_second().div_euclid(MIN_SECONDS);
            u32::try_from(interval.max(1)).unwrap_or(u32::MAX)
        };
        Self {
            code: cell.code(),
            interval,
        }
    }

    /// The beginning of the interval, if it is known.
    pub(super) fn time(self) -> Option<Timestamp> {
        let seconds = i64::from(self.interval) * MIN_SECONDS;
        let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        (self.interval > 0).then_some(time)
    }

    /// Takes the other one where that wins; whether it did.
    pub(super) fn raise(&mut self, to: Self) -> bool {
        let wins = to.rank() > self.rank();
        if wins {
            *self = to;
        }
        wins
    }

    fn rank(self) -> (u16, bool, Reverse<u32>) {
        (self.code, self.interval > 0, Reverse(self.interval))
    }
}

/// Whether cells with a code have a time: all but those that LINE took at the time. Neighbours have
/// the same code as a rule, so the last answer is kept.
pub(super) struct HasTime {
    code: u16,
    has_time: bool,
}

impl HasTime {
    pub(super) fn new() -> Self {
        Self {
            code: 0,
            has_time: false,
        }
    }

    pub(super) fn of(&mut self, code: u16) -> bool {
        if code != self.code {
            self.code = code;
            self.has_time = Cell::of_code(code).is_some_and(|cell| !cell.is_accepted_now());
        }
        self.has_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::CellReason;

    #[test]
    fn the_larger_code_wins_and_then_the_earlier_known_time() {
        let timed = |code, interval| Timed { code, interval };
        for (winner, loser) in [
            (timed(1, 0), timed(0, 0)),
            (timed(2, 0), timed(1, 9)),
            (timed(2, 9), timed(2, 0)),
            (timed(2, 8), timed(2, 9)),
        ] {
            let (mut one, mut other) = (winner, loser);
            assert!(!one.raise(loser) && other.raise(winner));
            assert_eq!((one, other), (winner, winner));
            assert!(!one.raise(winner), "twice is as once");
        }
    }

    #[test]
    fn a_time_is_kept_to_five_seconds_and_not_of_what_was_taken_at_the_time() {
        let time = Timestamp::from_second(1_798_185_604).unwrap();
        let at = |reason, status| Timed::new(Cell::new(reason, Some(status), false), time).time();
        let begins = Timestamp::from_second(1_798_185_600).unwrap();
        assert_eq!(at(CellReason::Refused, 400), Some(begins));
        assert_eq!(at(CellReason::Accepted, 409), Some(begins));
        assert_eq!(at(CellReason::Accepted, 200), None);
        for time in [Timestamp::MIN, Timestamp::MAX] {
            let cell = Cell::new(CellReason::Expired, None, false);
            assert!(Timed::new(cell, time).time().is_some(), "{time}");
        }
    }
}
