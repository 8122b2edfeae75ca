//! The control object as this environment knows it: whether a delivery of a run may be sent now.
//!
//! # Layout
//! - `known`: what was read and when, with the time as a parameter

mod known;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fanline_core::delivery::{Endpoint, Envelope};
use fanline_core::surroundings::Clock;
use fanline_ledger::{EditControlError, Gate, Lane, Store, pace_of_one, read_control};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::Instrument;

use crate::channel::attempt::Conclusion;
use crate::channel::pace::Pace;
use crate::control::known::Known;

/// No read of the control object takes longer. Until the next one the last one known holds.
const MAX_READ: Duration = Duration::from_secs(1);
/// A multicast reaches 500 people. While one is in hand, the object is read so much more often.
const MULTICAST_FACTOR: u32 = 4;

/// What the environment knows of the control object. Without one, everything is sent.
#[derive(Clone)]
pub(crate) struct Controls(Option<Arc<Reader>>);

/// What reads the control object.
struct Reader {
    store: Store,
    /// The object is read when it is so old.
    period: Duration,
    has_parked_queue: bool,
    paces: SharedPaces,
    clock: Clock,
    known: Mutex<Known>,
    /// A read has ended.
    looked: Notify,
    /// A multicast came in hand.
    hurry: Notify,
    multicasts: AtomicU32,
    /// Only one of the invocations under way reads.
    turn: tokio::sync::Mutex<()>,
}

/// The paces of LINE's endpoints, of which an operator can take a part.
pub(crate) struct SharedPaces {
    /// Of pushes.
    pub push: Arc<Pace>,
    /// Of multicasts.
    pub multicast: Arc<Pace>,
    /// How many environments share what an operator sets.
    pub environments: u32,
}

/// How the control object is read.
pub(crate) struct ReadRules {
    /// `CONTROL_SECONDS`.
    pub period: Duration,
    /// Whether deliveries can be parked.
    pub has_parked_queue: bool,
}

impl Controls {
    /// No control object: everything is sent.
    pub(crate) const NONE: Self = Self(None);

    /// The control object in this store. Nothing is read yet.
    pub(crate) fn new(store: Store, rules: &ReadRules, paces: SharedPaces, clock: Clock) -> Self {
        Self(Some(Arc::new(Reader {
            store,
            period: rules.period,
            has_parked_queue: rules.has_parked_queue,
            paces,
            known: Mutex::new(Known::new(clock.now())),
            clock,
            looked: Notify::new(),
            hurry: Notify::new(),
            multicasts: AtomicU32::new(0),
            turn: tokio::sync::Mutex::new(()),
        })))
    }

    /// Reads it once, at the cold start.
    pub(crate) async fn read_first(&self) {
        if let Some(reader) = &self.0 {
            Arc::clone(reader).read(reader.clock.now()).await;
        }
    }

    /// Reads it again and again. Run it beside an invocation.
    ///
    /// A read goes on where the invocation ends before it: else an object that is slow to read
    /// would never be read to its end.
    pub(crate) async fn keep_read(&self) -> Infallible {
        let Some(reader) = &self.0 else {
            return std::future::pending().await;
        };
        let _turn = reader.turn.lock().await;
        loop {
            let now = reader.clock.now();
            let wait = reader.known.lock().begin(now, reader.period());
            let Some(wait) = wait else {
                let read = Arc::clone(reader).read(now);
                drop(tokio::spawn(read.in_current_span()));
                continue;
            };
            // A time-out and a hurry are the same here: it looks again.
            drop(tokio::time::timeout(wait, reader.hurry.notified()).await);
        }
    }

    /// Waits until what is known is fresh enough for an invocation that began at `began` and has a
    /// delivery for this endpoint in hand. An environment may have slept for hours before it.
    ///
    /// A read that failed counts: then the last one known holds.
    pub(crate) async fn be_current(&self, endpoint: Endpoint, began: Timestamp, latest: Timestamp) {
        let Some(reader) = &self.0 else { return };
        let period = match endpoint {
            Endpoint::Push => reader.period,
            Endpoint::Multicast => reader.period / MULTICAST_FACTOR,
        };
        let is_current = || reader.known.lock().is_current(began, period);
        reader.wait_until(is_current, latest).await;
    }

    /// Waits while the run is paused, until `latest` at most. An error says why the delivery may
    /// not be sent.
    pub(crate) async fn admit(&self, run: &str, latest: Timestamp) -> Result<(), Conclusion> {
        let Some(reader) = &self.0 else { return Ok(()) };
        let mut gate = None;
        let is_decided = || {
            gate = reader.gate(run);
            !matches!(gate, None | Some(Gate::Wait))
        };
        reader.wait_until(is_decided, latest).await;
        match gate {
            Some(Gate::Send) => Ok(()),
            Some(Gate::Drop) => Err(Conclusion::Cancelled),
            Some(Gate::Park) => Err(Conclusion::Parked),
            Some(Gate::Wait) | None => Err(Conclusion::Paused),
        }
    }

    /// Whether a delivery of the run may be sent right now.
    pub(crate) fn admits(&self, run: &str) -> bool {
        let Some(reader) = &self.0 else { return true };
        reader.gate(run) == Some(Gate::Send)
    }

    /// When a delivery of this envelope expires: an operator may have put it off.
    pub(crate) fn expires_at(&self, envelope: &Envelope) -> Option<Timestamp> {
        let own = envelope.expires_at;
        let Some(reader) = &self.0 else { return own };
        let control = reader.known.lock().control();
        match control
            .as_ref()
            .and_then(|control| control.run(&envelope.run))
        {
            Some(run) => run.expires_at(own),
            None => own,
        }
    }

    /// Whether all that could be sent on a lane is paused: then one batch in hand is enough.
    pub(crate) fn is_all_paused(&self, lane: Lane) -> bool {
        let Some(reader) = &self.0 else { return false };
        let known = reader.known.lock();
        known.is_all_paused(lane, reader.clock.now())
    }

    /// The age of what is known, or how long nothing has been known. `None`: there is no control.
    pub(crate) fn age(&self, now: Timestamp) -> Option<Duration> {
        let reader = self.0.as_ref()?;
        Some(reader.known.lock().age(now))
    }

    /// A multicast is in hand for as long as the value lives.
    pub(crate) fn multicast_in_hand(&self) -> MulticastInHand {
        if let Some(reader) = &self.0 {
            reader.multicasts.fetch_add(1, Ordering::Relaxed);
            reader.hurry.notify_one();
        }
        MulticastInHand(self.clone())
    }
}

/// A multicast in hand.
pub(crate) struct MulticastInHand(Controls);

impl Drop for MulticastInHand {
    fn drop(&mut self) {
        if let Some(reader) = &self.0.0 {
            reader.multicasts.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Reader {
    fn period(&self) -> Duration {
        match self.multicasts.load(Ordering::Relaxed) {
            0 => self.period,
            _ => self.period / MULTICAST_FACTOR,
        }
    }

    /// `None`: the object was never read, so nobody knows.
    fn gate(&self, run: &str) -> Option<Gate> {
        let gate = self.known.lock().gate(run, self.clock.now())?;
        Some(match gate {
            Gate::Park if !self.has_parked_queue => Gate::Wait,
            gate => gate,
        })
    }

    /// Waits until `is_so`, asked after each read, until `latest` at most.
    async fn wait_until(&self, mut is_so: impl FnMut() -> bool, latest: Timestamp) {
        loop {
            let looked = self.looked.notified();
            tokio::pin!(looked);
            // From here on no read is missed.
            looked.as_mut().enable();
            let room = Duration::try_from(latest.duration_since(self.clock.now()));
            let room = room.unwrap_or(Duration::ZERO);
            if is_so() || room.is_zero() {
                return;
            }
            // An error is a time-out: then it looks a last time.
            drop(tokio::time::timeout(room, looked).await);
        }
    }

    /// Reads the object. The read began at `began`.
    async fn read(self: Arc<Self>, began: Timestamp) {
        let tag = self.known.lock().tag();
        let read = read_control(&self.store, tag.as_ref());
        let read = tokio::time::timeout(MAX_READ, read).await;
        let read = read.map_err(|_| ReadError::TooSlow);
        let read = read.and_then(|read| read.map_err(ReadError::Refused));
        let problem = read.as_ref().err().map(ToString::to_string);
        let is_news = match read {
            Ok(read) => self.known.lock().note(began, read),
            Err(_) => self.known.lock().note_failure(began),
        };
        if let Some(error) = problem.filter(|_| is_news) {
            if self.known.lock().control().is_some() {
                tracing::error!(error, "control object not read, the last one known holds");
            } else {
                tracing::error!(
                    error,
                    "control object not read, nothing is sent until it is"
                );
            }
        } else if is_news {
            self.set_paces();
        }
        self.looked.notify_waiters();
    }

    fn set_paces(&self) {
        let Some(control) = self.known.lock().control() else {
            return;
        };
        let SharedPaces {
            push,
            multicast,
            environments,
        } = &self.paces;
        for (endpoint, pace) in [(Endpoint::Push, push), (Endpoint::Multicast, multicast)] {
            let share = pace_of_one(&control, endpoint, pace.own_share(), *environments);
            pace.set_share(share);
        }
    }
}

/// Why the control object was not read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the store did not answer in time")]
    TooSlow,
    #[error(transparent)]
    Refused(EditControlError),
}
