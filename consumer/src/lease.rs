//! The lease of a worker: the part of LINE's limits that it may use, beside others that come and
//! go.

use std::convert::Infallible;
use std::time::Duration;

use fanline_core::surroundings::{Clock, Random};
use fanline_ledger::{Expect, LeaseHolder, Leases, ObjectError, Store, StoreError, WORKERS_KEY};
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::channel::pace::PartOfPace;

/// No request to the store takes longer.
const MAX_REQUEST: Duration = Duration::from_secs(2);
/// The wait before a renewal that failed is tried again, at most. The lease outlasts several.
const RETRY: Duration = Duration::from_millis(900);

/// A worker's lease in the store that the control object is in.
pub(crate) struct WorkerLease {
    store: Store,
    holder: Mutex<LeaseHolder>,
    clock: Clock,
    random: Random,
    started: Instant,
}

/// Why a lease was not renewed.
#[derive(Debug, thiserror::Error)]
enum RenewError {
    #[error("the store did not answer in time")]
    TooSlow,
    /// Another worker was faster.
    #[error("another worker was faster")]
    Conflict,
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RenewError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Conflict,
            error => Self::Store(error),
        }
    }
}

impl WorkerLease {
    /// The lease of a new worker, which it does not hold yet.
    pub(crate) fn new(store: Store, clock: Clock, random: Random) -> Self {
        let id = Uuid::from_u128(random.bits()).to_string();
        Self {
            store,
            holder: Mutex::new(LeaseHolder::new(id)),
            clock,
            random,
            started: Instant::now(),
        }
    }

    /// Renews the lease again and again. `set` is told what may be used, at once when it changes.
    pub(crate) async fn keep(&self, set: impl Fn(PartOfPace)) -> Infallible {
        let mut has_failed = false;
        loop {
            match Box::pin(self.renew(&set)).await {
                Ok(()) => {
                    has_failed = false;
                    let next = self.holder.lock().next(self.now());
                    tokio::time::sleep(next).await;
                }
                Err(error) => {
                    let is_news = !matches!(error, RenewError::Conflict) && !has_failed;
                    if is_news {
                        has_failed = true;
                        tracing::error!(
                            %error,
                            "lease not renewed: where it ends, nothing is sent until it is"
                        );
                    }
                    let wait = RETRY.mul_f64(0.05 + 0.95 * self.random.draw());
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Gives the lease back, so that the others need not wait for its end. Nothing may be sent from
    /// now on.
    pub(crate) async fn give_back(&self) {
        self.holder.lock().stop(self.now());
        tokio::time::sleep(LeaseHolder::settle()).await;
        for _ in 0..5 {
            match Box::pin(self.leave()).await {
                Ok(()) => return,
                Err(RenewError::Conflict) => {
                    tokio::time::sleep(RETRY.mul_f64(self.random.draw())).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "lease not given back: it ends by itself");
                    return;
                }
            }
        }
    }

    async fn renew(&self, set: &impl Fn(PartOfPace)) -> Result<(), RenewError> {
        let (read, expect) = self.read().await?;
        let renewal = self.holder.lock().renew(read, self.now(), self.clock.now());
        // Where it has too much, it uses less before it says so.
        set(self.part());
        let began = self.now();
        let put = self
            .store
            .put(WORKERS_KEY, renewal.leases.encode(), &expect);
        in_time(Box::pin(put)).await?;
        self.holder.lock().written(&renewal, began);
        set(self.part());
        Ok(())
    }

    async fn leave(&self) -> Result<(), RenewError> {
        let (read, expect) = self.read().await?;
        let Some(left) = self.holder.lock().left(read) else {
            return Ok(());
        };
        let put = self.store.put(WORKERS_KEY, left.encode(), &expect);
        in_time(Box::pin(put)).await.map(drop)
    }

    async fn read(&self) -> Result<(Option<Leases>, Expect), RenewError> {
        let Some(object) = in_time(Box::pin(self.store.get(WORKERS_KEY))).await? else {
            return Ok((None, Expect::Absent));
        };
        let leases = Leases::decode(&object.bytes)?;
        Ok((Some(leases), Expect::Tag(object.tag)))
    }

    fn part(&self) -> PartOfPace {
        let lease = self.holder.lock().lease(self.now());
        PartOfPace {
            part: lease.part,
            until: Some(self.started + lease.until),
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

async fn in_time<T>(request: impl Future<Output = Result<T, StoreError>>) -> Result<T, RenewError> {
    let answer = tokio::time::timeout(MAX_REQUEST, request).await;
    Ok(answer.map_err(|_| RenewError::TooSlow)??)
}
