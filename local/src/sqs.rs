//! The queue server: SQS's own protocol on a loopback port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::sqs::account::Account;
pub use crate::sqs::faults::{QueueFaults, QueueFaultsError};

mod account;
mod actions;
mod attributes;
mod faults;
mod handle;
mod message;
mod refusal;
mod store;
mod wire;

/// How the server starts.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// The port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The region in the queues' ARNs.
    pub region: String,
    /// The server's time.
    pub clock: Clock,
    /// What it does wrong, and how often.
    pub faults: QueueFaults,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            port: 0,
            region: "us-east-1".to_owned(),
            clock: Clock::system(),
            faults: QueueFaults::default(),
        }
    }
}

/// A running server. Dropped, it stops at once: open requests are cut off and its messages are gone.
#[derive(Debug)]
pub struct QueueServer {
    url: String,
    /// Accepts connections, and holds them: they end with it.
    serving: tokio::task::AbortHandle,
}

impl QueueServer {
    /// Starts a server with no queues, on the current Tokio runtime. Fails where the port is taken.
    pub async fn start(options: QueueOptions) -> io::Result<Self> {
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Arc::new(Account::new(
            url.clone(),
            options.region,
            options.clock,
            options.faults,
        ));
        let serving = tokio::spawn(serve(listener, account)).abort_handle();
        Ok(Self { url, serving })
    }

    /// The endpoint for an SQS client: `http://127.0.0.1:PORT`. A queue's URL is under it, at `/000000000000/NAME`.
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
            Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&account)))),
            // Out of file handles, most often: there may be some again soon.
            Err(error) => {
                tracing::warn!(%error, "a connection to the queue server was not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, account: Arc<Account>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small answers on this connection will be slow");
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
        tracing::debug!(%error, "a connection to the queue server ended early");
    }
}
