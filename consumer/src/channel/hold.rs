//! A channel on hold: no request is made but a probe now and then. What is in hand waits.
//!
//! # Layout
//! - `kernel`: when a hold begins and ends, with the time as a parameter

mod kernel;

use std::time::Duration;

use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use crate::channel::hold::kernel::{Event, HoldReason};
use crate::channel::hold::kernel::{Kernel, Stop};

/// The hold of one channel in one environment. See [`Kernel`] for the rules.
#[derive(Default)]
pub(crate) struct Hold {
    kernel: Mutex<Kernel>,
    changed: Notify,
}

impl Hold {
    /// Whether sending is on hold.
    pub(crate) fn is_on(&self) -> bool {
        self.kernel.lock().reason().is_some()
    }

    /// The part of the pace that the last answers leave. See [`Kernel::part_of_pace`].
    pub(crate) fn part_of_pace(&self) -> f64 {
        self.kernel.lock().part_of_pace()
    }

    /// Takes note of what came back for a request that departed at `departed`. Returns the reason
    /// if this puts the channel on hold.
    pub(crate) fn note(
        &self,
        event: Event<'_>,
        departed: Timestamp,
        now: Timestamp,
    ) -> Option<HoldReason> {
        let mut kernel = self.kernel.lock();
        let was_on = kernel.reason().is_some();
        let began = kernel.note(event, departed, now);
        let has_ended = was_on && kernel.reason().is_none();
        drop(kernel);
        if has_ended || began.is_some() {
            self.changed.notify_waiters();
        }
        began
    }

    /// Whether a request may depart now. During a hold only the probe may.
    pub(crate) fn admits(&self, now: Timestamp) -> bool {
        self.kernel.lock().admit(now).is_ok()
    }

    /// Waits while sending is on hold, until `latest` at most. `Ok`: it is not on hold, or a probe
    /// is due. An error: it is still on hold. What another environment may be able to send does not
    /// wait here if no probe is due until `latest`.
    pub(crate) async fn wait(&self, latest: Timestamp, clock: &Clock) -> Result<(), HoldReason> {
        let leaves = |stop: Stop| stop.may_be_ours_alone && stop.until > latest;
        self.wait_unless(leaves, latest, clock).await
    }

    /// Waits until a probe is due, the hold is over, or until `latest`.
    ///
    /// An environment that answered at once would get the next records at once. It would empty the
    /// queue, also of what other environments could have sent.
    pub(crate) async fn rest(&self, latest: Timestamp, clock: &Clock) {
        let is_over = self.wait_unless(|_| false, latest, clock).await;
        tracing::debug!(is_over = is_over.is_ok(), "rest on hold");
    }

    async fn wait_unless(
        &self,
        leaves: impl Fn(Stop) -> bool,
        latest: Timestamp,
        clock: &Clock,
    ) -> Result<(), HoldReason> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = clock.now();
            let Err(stop) = self.kernel.lock().look(now) else {
                return Ok(());
            };
            if leaves(stop) {
                return Err(stop.reason);
            }
            let room = Duration::try_from(latest.duration_since(now)).unwrap_or(Duration::ZERO);
            if room.is_zero() {
                return Err(stop.reason);
            }
            let probe = Duration::try_from(stop.until.duration_since(now));
            // An error is a time-out: then it looks again.
            drop(tokio::time::timeout(room.min(probe.unwrap_or(room)), changed).await);
        }
    }
}
