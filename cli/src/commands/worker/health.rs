//! Whether the worker is ready, on a port of this machine alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;

use crate::exit::InputError;

/// Answers 200 while the worker takes batches, and 503 before and after.
pub(super) struct Health(Arc<AtomicBool>);

impl Health {
    /// Answers on this port of the loopback interface; without one, nobody is answered. 0 takes any
    /// port that is free.
    pub(super) async fn listen(port: Option<u16>) -> Result<Self, InputError> {
        let health = Self(Arc::default());
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
        let is_ready = Arc::clone(&health.0);
        let app = Router::new().fallback(move || {
            let is_ready = is_ready.load(Ordering::Relaxed);
            async move {
                if is_ready {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(health)
    }

    /// What is answered from now on.
    pub(super) fn is_ready(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Relaxed);
    }
}
