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

/// How often a pace that is closed is asked again.
const LEASE_INTERVAL: Duration = Duration::from_millis(100);

/// The pace of one endpoint in one environment. See [`Kernel`] for the rules.
pub(crate) struct Pace {
    /// This environment's share of the channel's limit.
    own_share: f64,
    /// Tokio's clock: the one that the sleep between two turns goes by.
    started: Instant,
    state: Mutex<State>,
}

struct State {
    kernel: Kernel,
    /// The share that an operator allows, at most our own.
    share: f64,
    lease: PartOfPace,
}

/// The part of the pace that a lease allows, and until when. Without leases it is the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartOfPace {
    /// From 0 to 1.
    pub part: f64,
    /// Nothing departs from then on. `None`: it does not end.
    pub until: Option<Instant>,
}

impl PartOfPace {
    /// Everything, always.
    pub(crate) const WHOLE: Self = Self {
        part: 1.0,
        until: None,
    };
    /// Nothing.
    pub(crate) const NOTHING: Self = Self {
        part: 0.0,
        until: None,
    };

    /// Whether nothing may depart at this time.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.part <= 0.0 || self.until.is_some_and(|until| now >= until)
    }
}

impl Pace {
    /// A pace of `share` requests a second.
    pub(crate) fn new(share: f64) -> Self {
        Self {
            own_share: share,
            started: Instant::now(),
            state: Mutex::new(State {
                kernel: Kernel::new(share, CLOCK_AT_START),
                share,
                lease: PartOfPace::WHOLE,
            }),
        }
    }

    /// An invocation begins.
    pub(crate) fn begin(&self) {
        self.state.lock().kernel.begin(self.now());
    }

    /// An invocation ends.
    pub(crate) fn end(&self) {
        self.state.lock().kernel.end(self.now());
    }

    /// For how long the last invocation under way must stay open, so that nobody else sends in the
    /// time that its own requests have used up.
    pub(crate) fn unpaid(&self) -> Duration {
        self.state.lock().kernel.unpaid(self.now())
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
        self.state.lock().kernel.slow_down();
    }

    /// After an accepted request: a little faster, up to the share.
    pub(crate) fn speed_up(&self) {
        self.state.lock().kernel.speed_up();
    }

    /// While many requests fail: only this part of the pace.
    pub(crate) fn keep_to_part(&self, part: f64) {
        self.state.lock().kernel.keep_to_part(part);
    }

    /// This environment's share of the channel's limit, in requests a second.
    pub(crate) fn own_share(&self) -> f64 {
        self.own_share
    }

    /// An operator has set another pace: a share of `share`, which is at most our own.
    pub(crate) fn set_share(&self, share: f64) {
        let mut state = self.state.lock();
        state.share = share;
        state.set(self.now());
    }

    /// A lease allows another part of the share from now on.
    pub(crate) fn set_part(&self, lease: PartOfPace) {
        let mut state = self.state.lock();
        state.lease = lease;
        state.set(self.now());
    }

    /// Whether nothing may depart now: another worker may have our part.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().lease.is_over(Instant::now())
    }

    /// Requests a second, as of now.
    pub(crate) fn per_second(&self) -> f64 {
        self.state.lock().kernel.per_second()
    }

    fn take_turn(&self) -> Result<(), Duration> {
        let mut state = self.state.lock();
        if state.lease.is_over(Instant::now()) {
            return Err(LEASE_INTERVAL);
        }
        state.kernel.take_turn(self.now())
    }

    fn now(&self) -> Duration {
        CLOCK_AT_START + self.started.elapsed()
    }
}

impl State {
    fn set(&mut self, now: Duration) {
        // A share of nothing would have no even space. It is closed then.
        if self.lease.part > 0.0 {
            self.kernel.set_share(self.share * self.lease.part, now);
        }
    }
}
