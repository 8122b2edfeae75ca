//! The clock of a simulated far end. A test can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A clock that all its clones share: the machine's, or one that stands still until it is moved.
///
/// Both can be moved forward, so that a test need not wait for the 24 hours of a retry key.
#[derive(Debug, Clone)]
pub struct Clock {
    /// When it began to run. `None`: it stands still.
    running_since: Option<Instant>,
    /// Microseconds since the Unix epoch, without the time that it has run.
    micros: Arc<AtomicI64>,
    /// Wakes the tasks that wait for a time when the clock is moved.
    moved: Arc<Notify>,
}

/// Milliseconds since the Unix epoch, or between two times.
pub(crate) type Millis = u64;

impl Clock {
    /// A clock that begins with the machine's time and never runs backwards.
    pub fn system() -> Self {
        Self::running_from(Timestamp::now())
    }

    /// A clock that shows `start` now and runs. Where Tokio's clock is paused, it goes by that.
    pub fn running_from(start: Timestamp) -> Self {
        Self {
            running_since: Some(Instant::now()),
            micros: Arc::new(AtomicI64::new(start.as_microsecond())),
            moved: Arc::default(),
        }
    }

    /// A clock that shows `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self {
            running_since: None,
            micros: Arc::new(AtomicI64::new(start.as_microsecond())),
            moved: Arc::default(),
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

    /// Moves the clock and all its clones forward. Wakes the tasks whose time has come.
    pub fn advance(&self, by: Duration) {
        self.micros.fetch_add(whole_micros(by), Ordering::AcqRel);
        self.moved.notify_waiters();
    }

    /// The time in the unit of the queues.
    pub(crate) fn millis(&self) -> Millis {
        self.now().as_millisecond().unsigned_abs()
    }

    /// Returns when the clock shows `then` or later.
    pub(crate) async fn sleep_until(&self, then: Millis) {
        loop {
            let moved = self.moved.notified();
            let left = then.saturating_sub(self.millis());
            if left == 0 {
                return;
            }
            let runs = self.running_since.is_some();
            tokio::select! {
                biased;
                () = moved => {}
                () = tokio::time::sleep(Duration::from_millis(left)), if runs => {}
            }
        }
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
    fn a_manual_clock_and_its_clones_stand_still_until_one_is_moved() {
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

    #[tokio::test(start_paused = true)]
    async fn a_running_clock_goes_by_tokios_clock() {
        let start: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        let clock = Clock::running_from(start);
        tokio::time::sleep(Duration::from_hours(24)).await;
        assert_eq!(
            clock.now(),
            "2026-12-26T08:00:00Z".parse::<Timestamp>().unwrap()
        );
        clock.sleep_until(clock.millis() + 5_000).await;
        assert_eq!(
            clock.now(),
            "2026-12-26T08:00:05Z".parse::<Timestamp>().unwrap()
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
