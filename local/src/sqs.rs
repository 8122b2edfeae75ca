//! The queue server: SQS's own two protocols on a loopback port.
//!
//! It has its own copy of SQS's limits and rules, on purpose: it judges what the rest of the
//! project sends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sqs::account::Account;
pub use crate::sqs::dispatch::AnswerLost;
pub use crate::sqs::faults::{QueueFaults, QueueFaultsError};
pub use crate::sqs::in_process::{InProcessQueues, QueueCounts};
pub use crate::sqs::options::QueueOptions;

mod account;
mod actions;
mod dispatch;
mod faults;
mod handle;
mod in_process;
mod message;
mod move_task;
mod options;
mod queue;
mod refusal;
mod store;
mod wire;

/// A running queue server. A drop stops it: open requests end without an answer, and its messages
/// are gone.
#[derive(Debug)]
pub struct QueueServer {
    url: String,
    /// Accepts connections and owns them, so they end with it.
    serving: tokio::task::AbortHandle,
}

impl QueueServer {
    /// Starts a server without queues, on the Tokio runtime that calls it. Fails if the port is
    /// taken.
    pub async fn start(options: QueueOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((options.host, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Arc::new(Account::new(url.clone(), options));
        let serving = tokio::spawn(serve(listener, account)).abort_handle();
        Ok(Self { url, serving })
    }

    /// `http://HOST:PORT`, the endpoint for an SQS client. The URL of a queue is
    /// `http://HOST:PORT/000000000000/NAME`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for QueueServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, account: Arc<Account>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, Arc::clone(&account)));
            }
            Err(error) => {
                // Most likely there is no free file descriptor. The end of a connection frees one.
                tracing::warn!(%error, "queue server: connection not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, account: Arc<Account>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "queue server: answers on this connection will be slow");
    }
    let service = service_fn(|request| {
        let account = Arc::clone(&account);
        async move { wire::answer(&account, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "queue server: connection ended early");
    }
}
