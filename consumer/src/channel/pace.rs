//! How fast this environment may send: its share of the channel's limit, and less after a 429.
//!
//! # Layout
//! - `kernel`: the rules, with the time as a parameter

mod kernel;

use std::time::Duration;

use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::channel::pace::kernel::Kernel;

/// The kernel's clock does not begin at zero, so that it can look back.
const CLOCK_AT_START: Duration = Duration::from_secs(10);

/// The pace of one endpoint in one environment. See [`Kernel`] for the rules.
pub(crate) struct Pace {
    /// This environment's share of the channel's limit.
    own_share: f64,
    /// Tokio's clock: the one that the sleep between two turns goes by.
    started: Instant,
    kernel: Mutex<Kernel>,
}

impl Pace {
    /// A pace of `share` requests a second.
    pub(crate) fn new(share: f64) -> Self {
        Self {
            own_share: share,
            started: Instant::now(),
            kernel: Mutex::new(Kernel::new(share, CLOCK_AT_START)),
        }
    }

    /// An invocation begins.
    pub(crate) fn begin(&self) {
        self.kernel.lock().begin(self.now());
    }

    /// An invocation ends.
    pub(crate) fn end(&self) {
        self.kernel.lock().end(self.now());
    }

    /// For how long the last invocation under way must stay open, so that nobody else sends in the
    /// time that its own requests have used up.
    pub(crate) fn unpaid(&self) -> Duration {
        self.kernel.lock().unpaid(self.now())
    }

    /// Waits for the next turn. `false`: it would come after `latest`. Then it does not wait.
    pub(crate) async fn turn(&self, latest: Timestamp, day: &Clock) -> bool {
        loop {
            let Err(wait) = self.take_turn() else {
                return true;
            };
            let room = Duration::try_from(latest.duration_since(day.now()));
            if room.is_ok_and(|room| wait <= room) {
                tokio::time::sleep(wait).await;
            } else {
                return false;
            }
        }
    }

    /// After a 429: a slower pace, at once.
    pub(crate) fn slow_down(&self) {
        self.kernel.lock().slow_down();
    }

    /// After an accepted request: a little faster, up to the share.
    pub(crate) fn speed_up(&self) {
        self.kernel.lock().speed_up();
    }

    /// While many requests fail: only this part of the pace.
    pub(crate) fn keep_to_part(&self, part: f64) {
        self.kernel.lock().keep_to_part(part);
    }

    /// This environment's share of the channel's limit, in requests a second.
    pub(crate) fn own_share(&self) -> f64 {
        self.own_share
    }

    /// An operator has set another pace: a share of `share`, which is at most our own.
    pub(crate) fn set_share(&self, share: f64) {
        self.kernel.lock().set_share(share, self.now());
    }

    /// Requests a second, as of now.
    pub(crate) fn per_second(&self) -> f64 {
        self.kernel.lock().per_second()
    }

    fn take_turn(&self) -> Result<(), Duration> {
        self.kernel.lock().take_turn(self.now())
    }

    fn now(&self) -> Duration {
        CLOCK_AT_START + self.started.elapsed()
    }
}
