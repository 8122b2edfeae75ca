//! A host for the real Lambda binaries: runs a pool of processes of one, and invokes them as Lambda does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::kills::Kills;
use crate::lambda::environment::Environment;
pub use crate::lambda::environment::InvokeError;

mod environment;
mod runtime_api;

/// Which binary, and how it is run.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The function's binary: what Lambda knows as `bootstrap`.
    pub binary: PathBuf,
    /// The name in the function's ARN and log group.
    pub function_name: String,
    /// The region in its ARN and variables.
    pub region: String,
    /// The function's own environment variables. Of the host's it gets none.
    pub variables: BTreeMap<String, String>,
    /// The most processes at once; further invocations wait for one.
    pub environments: usize,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Which invocations are killed in the middle.
    pub kills: Kills,
    /// Gets every line that the processes print to standard output or error. `None`: nobody does.
    pub logs: Option<mpsc::UnboundedSender<String>>,
}

impl HostOptions {
    /// One process of `binary` at a time, with Lambda's default time-out of three seconds.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            function_name: "function".to_owned(),
            region: "us-east-1".to_owned(),
            variables: BTreeMap::new(),
            environments: 1,
            timeout: Duration::from_secs(3),
            kills: Kills::default(),
            logs: None,
        }
    }
}

/// What a host has done so far.
#[derive(Debug, Default)]
pub struct HostCounts {
    /// Processes started.
    pub started: AtomicU64,
    /// Invocations.
    pub invoked: AtomicU64,
    /// Invocations whose process was killed by the schedule.
    pub killed: AtomicU64,
    /// Invocations that took too long.
    pub timed_out: AtomicU64,
    /// Invocations whose process ended by itself.
    pub exited: AtomicU64,
}

/// A pool of processes. Clones share it; when the last is dropped, the processes are killed.
#[derive(Clone, Debug)]
pub struct Host {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    options: HostOptions,
    /// Processes that wait for an invocation, the last one used last: it is used again first, as on Lambda.
    idle: Mutex<Vec<Environment>>,
    places: Semaphore,
    counts: HostCounts,
}

impl Host {
    /// A pool with no process yet: each is started when an invocation finds none waiting.
    pub fn new(options: HostOptions) -> Self {
        Self {
            pool: Arc::new(Pool {
                places: Semaphore::new(options.environments.max(1)),
                idle: Mutex::default(),
                counts: HostCounts::default(),
                options,
            }),
        }
    }

    /// What was done so far.
    pub fn counts(&self) -> &HostCounts {
        &self.pool.counts
    }

    /// Invokes the function with `payload` and gives its answer. Waits for a place in the pool first; the time-out begins
    /// when a process has the payload.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, InvokeError> {
        let pool = &*self.pool;
        // The semaphore is never closed, so this is always a place.
        let _place = pool.places.acquire().await;
        let waiting = pool
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut environment = if let Some(environment) = waiting {
            environment
        } else {
            pool.counts.started.fetch_add(1, Ordering::Relaxed);
            Environment::start(&pool.options).await?
        };
        let number = pool.counts.invoked.fetch_add(1, Ordering::Relaxed);
        let kill_after = pool.options.kills.draw(number);
        let payload = Bytes::from(payload.to_string());
        let answer = environment
            .invoke(payload, pool.options.timeout, kill_after)
            .await
            .and_then(|answer| serde_json::from_slice(&answer).map_err(InvokeError::NotJson));
        let ended = match &answer {
            Err(InvokeError::Killed) => Some(&pool.counts.killed),
            Err(InvokeError::TimedOut(_)) => Some(&pool.counts.timed_out),
            Err(InvokeError::Exited(_)) => Some(&pool.counts.exited),
            _ => None,
        };
        if let Some(count) = ended {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if answer
            .as_ref()
            .err()
            .is_none_or(InvokeError::leaves_the_process)
        {
            pool.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(environment);
        }
        answer
    }
}
