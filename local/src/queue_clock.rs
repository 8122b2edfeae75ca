//! The queue server's clock: real time, which a test can move ahead by hours in a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Time since the epoch, in milliseconds.
pub(crate) type Millis = u64;

/// A clock that runs with the machine's and can be moved ahead.
///
/// Clones share their time. A visibility timeout, a delay, a retention period or a long poll that ends within the time
/// skipped ends at once.
#[derive(Clone, Debug)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// What the epoch's clock showed at `started`; only the steady clock is read after that, so that time never goes back.
    epoch: Millis,
    started: Instant,
    skipped: AtomicU64,
    moved: Notify,
}

impl Clock {
    /// A clock that shows the machine's time.
    pub fn new() -> Self {
        let epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            shared: Arc::new(Shared {
                epoch: millis(epoch),
                started: Instant::now(),
                skipped: AtomicU64::new(0),
                moved: Notify::new(),
            }),
        }
    }

    /// Moves the clock ahead, and wakes everyone who waits for it.
    pub fn advance(&self, by: Duration) {
        self.shared.skipped.fetch_add(millis(by), Ordering::SeqCst);
        self.shared.moved.notify_waiters();
    }

    pub(crate) fn now(&self) -> Millis {
        self.shared.epoch
            + millis(self.shared.started.elapsed())
            + self.shared.skipped.load(Ordering::SeqCst)
    }

    /// Returns when the clock shows `then` or later.
    pub(crate) async fn sleep_until(&self, then: Millis) {
        loop {
            let moved = self.shared.moved.notified();
            let now = self.now();
            if now >= then {
                return;
            }
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(Duration::from_millis(then - now)) => {}
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
