//! Notices that a run makes no progress.

use std::time::{Duration, Instant};

/// A state that is looked at again and again, and since when it has not changed.
pub(crate) struct Standstill<T> {
    state: T,
    since: Instant,
}

impl<T: PartialEq> Standstill<T> {
    /// Begins with the state of `now`.
    pub(crate) fn new(state: T, now: Instant) -> Self {
        Self { state, since: now }
    }

    /// For how long the state has not changed, with its value of `now`.
    pub(crate) fn lasts(&mut self, state: T, now: Instant) -> Duration {
        if self.state != state {
            *self = Self::new(state, now);
        }
        now.duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_ends_with_every_change() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut standstill = Standstill::new(0, start);
        for (state, now, lasts) in [(0, 5, 5), (1, 8, 0), (1, 9, 1), (0, 12, 0), (0, 20, 8)] {
            let lasted = standstill.lasts(state, at(now));
            assert_eq!(lasted, Duration::from_secs(lasts), "at {now} s");
        }
    }
}
