//! Polls a queue with an SQS client and invokes a function with batches of its messages.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use fanline_telemetry::aws_error::words;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::event;
use crate::invoke::invoke;
use crate::verdict::{self, Rules};

/// A receive gives ten messages at most, and a delete takes as many.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
const MAX_MESSAGES: usize = 10;

/// The longest that a receive waits.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How often a delete is tried before its messages are left to come back.
const DELETE_TRIES: u32 = 5;

/// Lambda begins with five concurrent invocations and adds up to 300 a minute.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const FIRST_POLLERS: usize = 5;
const RAMP_STEP: Duration = Duration::from_millis(200);

/// How a poller polls and invokes.
#[derive(Clone, Debug)]
pub struct PollerOptions {
    /// The queue to poll.
    pub queue_url: String,
    /// The most messages in one invocation.
    pub batch_size: usize,
    /// How long a batch that is not full waits for more. SQS counts in seconds.
    pub window: Duration,
    /// The most invocations at once.
    pub concurrency: usize,
    /// Whether to begin with five invocations at once and to add as Lambda does, or to begin with all.
    pub ramp: bool,
    /// `ReportBatchItemFailures`: whether the function's answer is read. Off, only an error fails a batch.
    pub report_failures: bool,
    /// How long an invocation may take; past it, it is cut off. `None`: the function keeps to its own time.
    pub timeout: Option<Duration>,
}

impl PollerOptions {
    /// Lambda's defaults for this queue, with failures reported and no ramp.
    pub fn new(queue_url: impl Into<String>) -> Self {
        Self {
            queue_url: queue_url.into(),
            batch_size: 10,
            window: Duration::ZERO,
            concurrency: 5,
            ramp: false,
            report_failures: true,
            timeout: None,
        }
    }
}

/// Why a poller does not start.
#[derive(Debug, thiserror::Error)]
pub enum PollerError {
    /// The queue is not there, or does not say what it is.
    #[error("the queue at `{url}` does not answer")]
    Queue {
        /// The queue's URL.
        url: String,
        /// What the client met.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a poller has done so far.
#[derive(Debug, Default)]
pub struct PollerCounts {
    /// Messages received, each time anew.
    pub received: AtomicU64,
    /// Messages that succeeded and were deleted.
    pub deleted: AtomicU64,
    /// Messages left on the queue to come again.
    pub returned: AtomicU64,
    /// Invocations that ended in an error.
    pub errors: AtomicU64,
}

/// A poller at work. Dropping it aborts the batches in hand; see [`Poller::stop`].
#[derive(Debug)]
pub struct Poller {
    stop: watch::Sender<bool>,
    pollers: JoinSet<()>,
    counts: Arc<PollerCounts>,
}

struct PollLoop<F> {
    client: Client,
    options: PollerOptions,
    queue_arn: String,
    region: String,
    rules: Rules,
    function: F,
    counts: Arc<PollerCounts>,
}

impl Poller {
    /// Begins to poll. `function` gets an event as Lambda makes it and gives the function's answer, or its error; a panic
    /// in it is an error too.
    pub async fn start<F, A>(
        client: Client,
        options: PollerOptions,
        function: F,
    ) -> Result<Self, PollerError>
    where
        F: Fn(Value) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let queue_arn = queue_arn(&client, &options.queue_url).await?;
        let region = queue_arn.split(':').nth(3).unwrap_or_default().to_owned();
        let (stop, stopping) = watch::channel(false);
        let counts = Arc::new(PollerCounts::default());
        let shared = Arc::new(PollLoop {
            client,
            rules: Rules {
                report_failures: options.report_failures,
                fifo: queue_arn.strip_suffix(".fifo").is_some(),
            },
            queue_arn,
            region,
            function,
            counts: Arc::clone(&counts),
            options,
        });
        let mut pollers = JoinSet::new();
        for number in 0..shared.options.concurrency.max(1) {
            pollers.spawn(Arc::clone(&shared).poll(number, stopping.clone()));
        }
        Ok(Self {
            stop,
            pollers,
            counts,
        })
    }

    /// What was done so far.
    pub fn counts(&self) -> &Arc<PollerCounts> {
        &self.counts
    }

    /// Takes no more messages, and returns when those in hand are settled: invoked, and deleted or left to come again. A
    /// message that arrives in this very moment may come again too, after its visibility timeout.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.pollers.join_next().await.is_some() {}
    }
}

async fn queue_arn(client: &Client, url: &str) -> Result<String, PollerError> {
    let refuse = |source: Box<dyn std::error::Error + Send + Sync>| PollerError::Queue {
        url: url.to_owned(),
        source,
    };
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .map_err(|error| refuse(Box::new(error)))?;
    answer
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .ok_or_else(|| refuse("the answer has no `QueueArn`".into()))
}

impl<F, A> PollLoop<F>
where
    F: Fn(Value) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Value, String>> + Send + 'static,
{
    async fn poll(self: Arc<Self>, number: usize, mut stopping: watch::Receiver<bool>) {
        if self.options.ramp
            && let Some(later) = number.checked_sub(FIRST_POLLERS)
        {
            let steps = u32::try_from(later + 1).unwrap_or(u32::MAX);
            tokio::select! {
                () = tokio::time::sleep(RAMP_STEP * steps) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
        loop {
            let messages = tokio::select! {
                biased;
                // A poller that was dropped counts as stopped.
                _ = stopping.wait_for(|stop| *stop) => return,
                first = self.receive(self.options.batch_size, LONG_POLL) => first,
            };
            let messages = self.fill(messages, &mut stopping).await;
            let mut rest = messages.as_slice();
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(event::fitting(rest));
                self.work(batch).await;
                rest = later;
            }
        }
    }

    /// Waits for more messages until the batch is full or its window is over.
    async fn fill(
        &self,
        mut messages: Vec<Message>,
        stopping: &mut watch::Receiver<bool>,
    ) -> Vec<Message> {
        if messages.is_empty() {
            return messages;
        }
        let deadline = Instant::now() + self.options.window;
        while messages.len() < self.options.batch_size {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(left) => break,
                more = self.receive(self.options.batch_size - messages.len(), left) => messages.extend(more),
            }
        }
        messages
    }

    async fn receive(&self, wanted: usize, wait: Duration) -> Vec<Message> {
        let most = i32::try_from(wanted.clamp(1, MAX_MESSAGES)).unwrap_or(1);
        let wait = i32::try_from(wait.min(LONG_POLL).as_millis().div_ceil(1_000)).unwrap_or(0);
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.options.queue_url)
            .max_number_of_messages(most)
            .wait_time_seconds(wait)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let messages = answer.messages.unwrap_or_default();
                count(&self.counts.received, messages.len());
                messages
            }
            Err(error) => {
                // The client has retried already: wait, so that a queue that is gone is not asked in a tight loop.
                tracing::warn!(error = words(&error), "no messages could be received");
                tokio::time::sleep(Duration::from_secs(1)).await;
                Vec::new()
            }
        }
    }

    /// Invokes the function with one batch, and deletes what succeeded.
    async fn work(&self, batch: &[Message]) {
        let event = event::event(batch, &self.queue_arn, &self.region);
        let answer = invoke((self.function)(event), self.options.timeout).await;
        if let Err(error) = &answer {
            count(&self.counts.errors, 1);
            tracing::warn!(%error, "an invocation failed");
        }
        let ids: Vec<&str> = batch
            .iter()
            .map(|message| message.message_id.as_deref().unwrap_or_default())
            .collect();
        let succeeded = verdict::verdict(&ids, answer.as_ref().map_err(String::as_str), self.rules);
        let handles: Vec<&str> = batch
            .iter()
            .zip(&succeeded)
            .filter(|(_, succeeded)| **succeeded)
            .filter_map(|(message, _)| message.receipt_handle.as_deref())
            .collect();
        count(&self.counts.returned, batch.len() - handles.len());
        for handles in handles.chunks(MAX_MESSAGES) {
            self.delete(handles).await;
        }
    }

    async fn delete(&self, handles: &[&str]) {
        let mut left: Vec<&str> = handles.to_vec();
        for attempt in 0..DELETE_TRIES {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
            }
            let entries = left.iter().enumerate().filter_map(|(index, handle)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(*handle)
                    .build()
                    .ok()
            });
            let answer = self
                .client
                .delete_message_batch()
                .queue_url(&self.options.queue_url)
                .set_entries(Some(entries.collect()))
                .send()
                .await;
            match answer {
                Ok(answer) => {
                    count(&self.counts.deleted, answer.successful.len());
                    // What is the sender's fault, such as a handle of a FIFO queue that expired, would fail again.
                    left = answer
                        .failed
                        .iter()
                        .filter(|failed| !failed.sender_fault)
                        .filter_map(|failed| left.get(failed.id.parse::<usize>().ok()?).copied())
                        .collect();
                    if left.is_empty() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = words(&error), "a delete failed");
                }
            }
        }
        tracing::warn!(
            messages = left.len(),
            "messages that were done with come again: they could not be deleted"
        );
    }
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}
