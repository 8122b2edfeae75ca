//! The time of a run. It passes only when nothing is left to do.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use fanline_core::surroundings::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Milliseconds since the run began.
pub(crate) type Millis = u64;

/// Tokio's paused clock, with a time of day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualTime {
    start: Timestamp,
    began: Instant,
}

impl VirtualTime {
    /// The time of a run that begins now. The time of day is `start`.
    pub(crate) fn begin(start: Timestamp) -> Self {
        Self {
            start,
            began: Instant::now(),
        }
    }

    /// How long the run has lasted.
    pub(crate) fn millis(self) -> Millis {
        let ran = self.began.elapsed().as_millis();
        Millis::try_from(ran).expect("a run is shorter than the universe")
    }

    /// The time of day.
    pub(crate) fn now(self) -> Timestamp {
        self.start + SignedDuration::try_from(self.began.elapsed()).expect("a run ends")
    }

    /// The time of day `after` the beginning of the run.
    pub(crate) fn at(self, after: Duration) -> Timestamp {
        self.start + after
    }

    /// When a time of day is, in the run. A time before the run is its beginning.
    pub(crate) fn millis_of(self, time: Timestamp) -> Millis {
        let after = time.duration_since(self.start).as_millis();
        Millis::try_from(after).unwrap_or(0)
    }

    /// The clock of a process. It shows `skew` more than the time.
    pub(crate) fn clock(self, skew: SignedDuration) -> Clock {
        Clock::from_fn(move || self.now() + skew)
    }

    /// Returns when the run has lasted so long.
    pub(crate) async fn sleep_until(self, then: Duration) {
        tokio::time::sleep_until(self.began + then).await;
    }
}

impl TimeSource for VirtualTime {
    fn now(&self) -> SystemTime {
        VirtualTime::now(*self).into()
    }
}
