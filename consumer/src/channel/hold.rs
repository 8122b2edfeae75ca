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

use crate::channel::hold::kernel::Kernel;
pub(crate) use crate::channel::hold::kernel::{Event, HoldReason};

/// The hold of one channel in one environment. See [`Kernel`] for the rules.
#[derive(Default)]
pub(crate) struct Hold {
    kernel: Mutex<Kernel>,
    ended: Notify,
}

impl Hold {
    /// Whether sending is on hold.
    pub(crate) fn is_on(&self) -> bool {
        self.kernel.lock().reason().is_some()
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
        if has_ended {
            self.ended.notify_waiters();
        }
        began
    }

    /// Whether a request may depart now. During a hold only the probe may.
    pub(crate) fn admits(&self, now: Timestamp) -> bool {
        self.kernel.lock().admit(now).is_ok()
    }

    /// Waits while sending is on hold, until `latest` at most. `Ok`: it is not on hold, or a probe
    /// is due. An error: it is still on hold.
    ///
    /// An environment that gave its records back at once would get the next ones at once. It would
    /// empty the queue, also of what other environments could have sent.
    pub(crate) async fn wait(&self, latest: Timestamp, clock: &Clock) -> Result<(), HoldReason> {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // From here on no end is missed.
            ended.as_mut().enable();
            let now = clock.now();
            let Err(stop) = self.kernel.lock().look(now) else {
                return Ok(());
            };
            let room = Duration::try_from(latest.duration_since(now)).unwrap_or(Duration::ZERO);
            if room.is_zero() {
                return Err(stop.reason);
            }
            let probe = Duration::try_from(stop.until.duration_since(now));
            // An error is a time-out: then it looks again.
            drop(tokio::time::timeout(room.min(probe.unwrap_or(room)), ended).await);
        }
    }
}
