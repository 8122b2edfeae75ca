//! The queue server without a port: it answers requests of its own process.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Request, Response};

use crate::sqs::account::Account;
use crate::sqs::dispatch::AnswerLost;
use crate::sqs::options::QueueOptions;
use crate::sqs::wire;

/// The queue server without a port: it answers requests of its own process, with the same code.
/// All clones are one server.
///
/// For simulations on virtual time, where a socket would stop the clock.
#[derive(Clone, Debug)]
pub struct InProcessQueues(Arc<Account>);

/// How many messages of a queue are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Can be received now.
    pub visible: usize,
    /// Received and hidden.
    pub in_flight: usize,
    /// Sent with a delay that is not over.
    pub delayed: usize,
}

impl InProcessQueues {
    /// A server without queues, whose clients know it by `url`. The port of the options is not
    /// used.
    pub fn new(url: &str, options: QueueOptions) -> Self {
        Self(Arc::new(Account::new(url.to_owned(), options)))
    }

    /// Answers a request of an SQS client. An error: the connection is closed without an answer.
    pub async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, AnswerLost> {
        let (head, body) = request.into_parts();
        wire::answer_parts(&self.0, &head, Some(&body)).await
    }

    /// How many messages the queue with this name has. `None`: there is no such queue.
    pub fn counts(&self, name: &str) -> Option<QueueCounts> {
        let queue = self.0.named(name).ok()?;
        let now = self.0.clock.millis();
        let mut state = queue.lock();
        let retention = state.attributes.retention();
        let counts = state.store.counts(now, retention);
        Some(QueueCounts {
            visible: counts.visible,
            in_flight: counts.in_flight,
            delayed: counts.delayed,
        })
    }
}
