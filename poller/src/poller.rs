//! Starts and stops the loops that poll a queue.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::options::PollerOptions;
use crate::poll_loop::{PollLoop, PollerCounts};
use crate::queue::{PolledQueue, PollerError};

/// Lambda begins with five calls at the same time and adds up to 300 a minute: one every 200 ms.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const LOOPS_AT_START: usize = 5;
const RAMP_STEP: Duration = Duration::from_millis(200);

/// A running poller. A drop stops the calls under way in the middle: see [`Poller::stop`].
#[derive(Debug)]
pub struct Poller {
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
    counts: Arc<PollerCounts>,
}

impl Poller {
    /// Begins to poll. `function` gets an event as Lambda makes it. It gives the function's answer
    /// or its error; a panic counts as an error.
    pub async fn start<F, A>(
        client: Client,
        options: PollerOptions,
        function: F,
    ) -> Result<Self, PollerError>
    where
        F: Fn(Value) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let counts = Arc::new(PollerCounts::default());
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(PollLoop {
            queue: PolledQueue::open(client, &options.queue_url).await?,
            options,
            function,
            counts: Arc::clone(&counts),
        });
        let mut loops = JoinSet::new();
        let mut delay = Duration::ZERO;
        for number in 0..shared.options.concurrency.max(1) {
            if shared.options.ramp && number >= LOOPS_AT_START {
                delay += RAMP_STEP;
            }
            loops.spawn(Arc::clone(&shared).run(delay, stopping.clone()));
        }
        Ok(Self {
            stop,
            loops,
            counts,
        })
    }

    /// What the poller has done so far.
    pub fn counts(&self) -> &Arc<PollerCounts> {
        &self.counts
    }

    /// Receives no more messages. Returns when the function has answered for those that it has, and
    /// they are deleted or left on the queue.
    ///
    /// A message that SQS gives out at this moment may be lost on its way. It comes again after its
    /// visibility timeout.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.loops.join_next().await.is_some() {}
    }
}
