//! Whether the worker is ready, on a port of this machine alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use fanline_poller::PollerCounts;
use parking_lot::RwLock;
use tokio::net::TcpListener;

use crate::exit::InputError;

/// Answers 200 while the worker takes batches. 503 before and after, and while its queue is out of
/// reach.
///
/// `/live` is answered with 200 as long as anything is: it asks whether the process is there.
pub(super) struct Health(Arc<RwLock<State>>);

enum State {
    Starts,
    Takes(Vec<Arc<PollerCounts>>),
    Stops,
}

impl State {
    fn answer(&self) -> (StatusCode, &'static str) {
        let is_failing = |counts: &Arc<PollerCounts>| counts.is_failing.load(Ordering::Relaxed);
        let words = match self {
            Self::Takes(queues) if !queues.iter().any(is_failing) => {
                return (StatusCode::OK, "ready\n");
            }
            Self::Takes(_) => "not ready: the queue can't be read\n",
            Self::Starts => "not ready: it starts\n",
            Self::Stops => "not ready: it stops\n",
        };
        (StatusCode::SERVICE_UNAVAILABLE, words)
    }
}

impl Health {
    /// Answers on this port of the loopback interface; without one, nobody is answered. 0 takes any
    /// port that is free.
    pub(super) async fn listen(port: Option<u16>) -> Result<Self, InputError> {
        let health = Self(Arc::new(RwLock::new(State::Starts)));
        let Some(port) = port else {
            return Ok(health);
        };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
        let listener = listener.map_err(|error| {
            InputError(format!(
                "--health {port}: the port can't be used: {error}. Nothing was received"
            ))
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "health");
        }
        let state = Arc::clone(&health.0);
        let app = Router::new()
            .route("/live", get(async || "live\n"))
            .fallback(move || {
                let answer = state.read().answer();
                async move { answer }
            });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(health)
    }

    /// Batches are taken from now on, from these queues.
    pub(super) fn takes<'a>(&self, queues: impl Iterator<Item = &'a Arc<PollerCounts>>) {
        *self.0.write() = State::Takes(queues.cloned().collect());
    }

    /// No batches are taken any more.
    pub(super) fn stops(&self) {
        *self.0.write() = State::Stops;
    }
}
