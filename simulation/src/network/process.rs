//! A process that can die: an environment of a function, or a worker.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// A process. Clones are the same one.
///
/// What is dead does nothing more: its requests never leave, and no answer reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<State>);

#[derive(Debug)]
struct State {
    number: u32,
    dies: Option<Death>,
    requests: AtomicU64,
    is_dead: AtomicBool,
    died: Notify,
}

/// At which of its requests a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// The number of the request. The first one is 0.
    pub request: u64,
    /// When it dies.
    pub moment: Moment,
}

/// When a process dies, seen from one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the request leaves.
    Before,
    /// While the far end works on the request. The request has its effect.
    During,
    /// After the far end has worked on the request, before the answer comes.
    After,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 3] = [Self::Before, Self::During, Self::After];
}

impl Process {
    /// A process that lives until it is killed or, if `dies` says so, until one of its requests.
    pub(crate) fn new(number: u32, dies: Option<Death>) -> Self {
        Self(Arc::new(State {
            number,
            dies,
            requests: AtomicU64::new(0),
            is_dead: AtomicBool::new(false),
            died: Notify::new(),
        }))
    }

    /// Its number: processes are numbered in the order of their starts.
    pub(crate) fn number(&self) -> u32 {
        self.0.number
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.is_dead.load(Ordering::Relaxed)
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.0.is_dead.store(true, Ordering::Relaxed);
        self.0.died.notify_waiters();
    }

    /// Returns when it is dead.
    pub(crate) async fn died(&self) {
        let died = self.0.died.notified();
        if !self.is_dead() {
            died.await;
        }
    }

    /// How many requests it has begun.
    pub(crate) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Makes a request that takes `there` to the far end and `back` from it. `effect` is what the
    /// far end does. It goes on, even if the process dies or does not wait any longer.
    pub(crate) async fn request<T: Send + 'static>(
        &self,
        there: Duration,
        back: Duration,
        effect: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let number = self.begin_request().await;
        let arrival = tokio::spawn(async move {
            tokio::time::sleep(there).await;
            effect.await
        });
        self.die_at(number, Moment::During).await;
        let answer = arrival.await.expect("a far end does not panic");
        self.die_at(number, Moment::After).await;
        tokio::time::sleep(back).await;
        self.go_on().await;
        answer
    }

    /// The same for a poll: if the process does not wait any longer, the far end ends it.
    pub(crate) async fn poll<T>(
        &self,
        there: Duration,
        back: Duration,
        effect: impl Future<Output = T>,
    ) -> T {
        let number = self.begin_request().await;
        tokio::time::sleep(there).await;
        let answer = effect.await;
        self.die_at(number, Moment::After).await;
        tokio::time::sleep(back).await;
        self.go_on().await;
        answer
    }

    async fn begin_request(&self) -> u64 {
        self.go_on().await;
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.die_at(number, Moment::Before).await;
        number
    }

    async fn die_at(&self, request: u64, moment: Moment) {
        if self.0.dies == Some(Death { request, moment }) {
            self.kill();
        }
        self.go_on().await;
    }

    /// Returns at once, or never if it is dead.
    async fn go_on(&self) {
        if self.is_dead() {
            pending::<()>().await;
        }
    }
}
