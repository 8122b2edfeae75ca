//! The stand-in for S3: objects in memory behind S3's own protocol.
//!
//! It answers what fanline and its operators' tools ask: conditional puts, ranged and conditional
//! gets, listings, versions. It has its own copy of S3's rules, on purpose: it judges what the rest
//! of the project sends. Signatures are not looked at, and there are no multipart uploads.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::s3::account::Account;
pub use crate::s3::account::S3Counts;
pub use crate::s3::faults::{S3Call, S3Fault, S3Faults};
pub use crate::s3::options::S3Options;

mod account;
mod answer;
mod bucket;
mod call;
mod chunked;
mod faults;
mod listing;
mod options;
mod wire;

/// A running stand-in for S3. A drop stops it, and its objects are gone.
#[derive(Debug)]
pub struct S3Server {
    url: String,
    account: Arc<Mutex<Account>>,
    accepting: AbortHandle,
}

impl S3Server {
    /// Binds a port and begins to answer, on the Tokio runtime that calls it. Fails if the port is
    /// taken.
    pub async fn start(options: S3Options) -> io::Result<Self> {
        let listener = TcpListener::bind((options.host, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Arc::new(Mutex::new(Account::new(options)));
        let accepting = tokio::spawn(wire::accept(listener, Arc::clone(&account)));
        Ok(Self {
            url,
            account,
            accepting: accepting.abort_handle(),
        })
    }

    /// `http://HOST:PORT`, the endpoint for an S3 client that puts the bucket into the path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts an object as a client would, without faults. `false`: there is no such bucket.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> bool {
        self.account.lock().put(bucket, key, bytes.into())
    }

    /// The object, as it is now.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.account.lock().object(bucket, key)
    }

    /// The keys of all objects of a bucket that begin so, in order.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.account.lock().keys(bucket, prefix)
    }

    /// What was requested so far.
    pub fn counts(&self) -> S3Counts {
        self.account.lock().counts
    }

    /// From now on `script` is asked about each request, before the faults that are drawn.
    pub fn script(&self, script: impl FnMut(&S3Call) -> Option<S3Fault> + Send + 'static) {
        self.account.lock().script = Some(Box::new(script));
    }

    /// From now on these faults are drawn.
    pub fn set_faults(&self, faults: S3Faults) {
        self.account.lock().set_faults(faults);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
