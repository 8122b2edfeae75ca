//! The time that a far end goes by, which a test can move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A clock shared by all its clones: the machine's, or one that stands still until it is moved.
///
/// Either kind can be moved forward, so that a retry key's 24 hours pass in no time.
#[derive(Debug, Clone)]
pub struct Clock {
    /// When it began to run; a manual clock never does.
    running_since: Option<Instant>,
    /// Microseconds since the Unix epoch, less what has run since.
    micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the machine's time and never runs backwards.
    pub fn system() -> Self {
        Self {
            running_since: Some(Instant::now()),
            micros: Arc::new(AtomicI64::new(Timestamp::now().as_microsecond())),
        }
    }

    /// A clock that shows `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self {
            running_since: None,
            micros: Arc::new(AtomicI64::new(start.as_microsecond())),
        }
    }

    /// The time, to the microsecond.
    pub fn now(&self) -> Timestamp {
        let ran = self
            .running_since
            .map_or(0, |start| whole_micros(start.elapsed()));
        let micros = self.micros.load(Ordering::Acquire).saturating_add(ran);
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock, and every clone of it, forward.
    pub fn advance(&self, by: Duration) {
        self.micros.fetch_add(whole_micros(by), Ordering::AcqRel);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

fn whole_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_moved_and_its_clones_with_it() {
        let start: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        let clock = Clock::manual(start);
        let clone = clock.clone();
        assert_eq!(clock.now(), start);
        clone.advance(Duration::from_hours(24));
        assert_eq!(
            clock.now(),
            "2026-12-26T08:00:00Z".parse::<Timestamp>().unwrap()
        );
    }

    #[test]
    fn the_system_clock_can_be_moved_forward_too() {
        let clock = Clock::system();
        let before = clock.now();
        clock.advance(Duration::from_hours(1));
        assert!(clock.now().as_second() >= before.as_second() + 3600);
    }
}
