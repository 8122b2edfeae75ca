//! A pool of processes of one binary, invoked as Lambda does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::lambda::environment::{ExecutionEnvironment, InvokeError};
use crate::lambda::options::HostOptions;

/// What a host has done so far.
#[derive(Debug, Default)]
pub struct HostCounts {
    /// Processes started.
    pub started: AtomicU64,
    /// Invocations.
    pub invoked: AtomicU64,
    /// Invocations whose process was killed by the schedule of kills.
    pub killed: AtomicU64,
    /// Invocations that took too long.
    pub timed_out: AtomicU64,
    /// Invocations whose process ended by itself.
    pub exited: AtomicU64,
}

/// A pool of processes. Clones share it. The processes are killed with the last clone.
#[derive(Clone, Debug)]
pub struct Host {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    options: HostOptions,
    /// Processes without an invocation. The last one is used next, as on Lambda.
    idle: Mutex<Vec<ExecutionEnvironment>>,
    permits: Semaphore,
    counts: HostCounts,
}

impl Host {
    /// A pool without processes. One is started for each invocation that finds none idle.
    pub fn new(options: HostOptions) -> Self {
        Self {
            pool: Arc::new(Pool {
                permits: Semaphore::new(options.environments.max(1)),
                idle: Mutex::default(),
                counts: HostCounts::default(),
                options,
            }),
        }
    }

    /// What the host has done so far.
    pub fn counts(&self) -> &HostCounts {
        &self.pool.counts
    }

    /// Starts one process and waits until it asks for its first invocation. An error says that the
    /// binary is not one that Lambda could run.
    pub async fn start_one(&self) -> Result<(), InvokeError> {
        self.pool.counts.started.fetch_add(1, Ordering::Relaxed);
        let environment = ExecutionEnvironment::start(&self.pool.options).await?;
        self.pool.idle.lock().push(environment);
        Ok(())
    }

    /// Invokes the function with `payload` and gives its answer. Waits for a free process first.
    /// The time-out begins when the process has the payload.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, InvokeError> {
        let pool = &*self.pool;
        // The semaphore is never closed, so this is always a permit.
        let _permit = pool.permits.acquire().await;
        let idle = pool.idle.lock().pop();
        let mut environment = if let Some(environment) = idle {
            environment
        } else {
            pool.counts.started.fetch_add(1, Ordering::Relaxed);
            ExecutionEnvironment::start(&pool.options).await?
        };
        let number = pool.counts.invoked.fetch_add(1, Ordering::Relaxed);
        let kill_after = pool.options.kills.draw(number);
        let payload = Bytes::from(payload.to_string());
        let answer = environment
            .invoke(payload, pool.options.timeout, kill_after)
            .await
            .and_then(|answer| serde_json::from_slice(&answer).map_err(InvokeError::NotJson));
        pool.count(&answer);
        let is_alive = match &answer {
            Ok(_) => true,
            Err(error) => error.leaves_the_process(),
        };
        if is_alive {
            pool.idle.lock().push(environment);
        }
        answer
    }
}

impl Pool {
    fn count(&self, answer: &Result<Value, InvokeError>) {
        let ended = match answer {
            Err(InvokeError::Killed) => &self.counts.killed,
            Err(InvokeError::TimedOut(_)) => &self.counts.timed_out,
            Err(InvokeError::Exited(_)) => &self.counts.exited,
            _ => return,
        };
        ended.fetch_add(1, Ordering::Relaxed);
    }
}
