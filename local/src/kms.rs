//! The stand-in for KMS: keys in memory behind KMS's own protocol, as far as data keys need it.
//!
//! It answers `GenerateDataKey`, `Decrypt` and `DescribeKey`, and has its own copy of KMS's rules,
//! on purpose: it judges what the rest of the project sends. Signatures are not looked at.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::kms::account::Account;
pub use crate::kms::account::KmsCounts;
pub use crate::kms::fault::KmsFault;

mod account;
mod answer;
mod fault;
mod key;

/// How a stand-in for KMS is set up.
#[derive(Clone, Debug)]
pub struct KmsOptions {
    /// The address to listen on. Everybody who reaches it can use the keys.
    pub host: IpAddr,
    /// The port. 0 takes a free one.
    pub port: u16,
    /// What the first key is made from. Equal secrets make equal keys, so that what one stand-in
    /// encrypted another one decrypts. `None`: nobody knows it.
    pub secret: Option<[u8; 32]>,
}

impl Default for KmsOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            secret: None,
        }
    }
}

/// A running stand-in for KMS. A drop stops it, and its keys are gone.
#[derive(Debug)]
pub struct KmsServer {
    url: String,
    key_arn: String,
    account: Arc<Mutex<Account>>,
    accepting: AbortHandle,
}

impl KmsServer {
    /// Starts a stand-in with one key, on the Tokio runtime that calls it. Fails if the port is
    /// taken.
    pub async fn start(options: KmsOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((options.host, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut account = Account::default();
        let key_arn = account.create_key(options.secret);
        let account = Arc::new(Mutex::new(account));
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&account));
        let accepting = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "stand-in for KMS: it has stopped");
            }
        });
        Ok(Self {
            url,
            key_arn,
            account,
            accepting: accepting.abort_handle(),
        })
    }

    /// `http://HOST:PORT`, the endpoint for a KMS client.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The ARN of the first key.
    pub fn key_arn(&self) -> &str {
        &self.key_arn
    }

    /// Makes another key. Returns its ARN.
    pub fn create_key(&self) -> String {
        self.account.lock().create_key(None)
    }

    /// Gives every key a new version. What the older ones encrypted can still be decrypted.
    pub fn rotate(&self) {
        self.account.lock().rotate();
    }

    /// From now on every request has this fault, or none.
    pub fn set_fault(&self, fault: Option<KmsFault>) {
        self.account.lock().fault = fault;
    }

    /// What was requested so far.
    pub fn counts(&self) -> KmsCounts {
        self.account.lock().counts
    }
}

impl Drop for KmsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn respond(
    State(account): State<Arc<Mutex<Account>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target");
    let action = target
        .and_then(|target| target.to_str().ok()?.strip_prefix("TrentService."))
        .unwrap_or_default();
    let answer = account.lock().answer(action, &body);
    match answer {
        Some(answer) => answer::response(answer),
        // The client waits until it has enough of it.
        None => std::future::pending().await,
    }
}
