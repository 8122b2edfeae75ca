//! One polling loop: receives messages, calls the function with them and deletes those that
//! succeeded.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fanline_core::backoff::full_jitter;
use fanline_core::limits::sqs::MAX_ENTRIES;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::batch_response::{self, ResponseRules};
use crate::event;
use crate::invoke::invoke;
use crate::message::ReceivedMessage;
use crate::options::PollerOptions;
use crate::queue::{MAX_WAIT, PolledQueue};

/// How often a delete is tried before its messages are left on the queue.
const MAX_DELETE_ATTEMPTS: u32 = 5;

/// The wait after a failed delete: see [`full_jitter`].
const DELETE_BACKOFF: Duration = Duration::from_millis(200);
const MAX_DELETE_BACKOFF: Duration = Duration::from_secs(5);

/// The wait after a failed receive: see [`full_jitter`]. The client has retried already, so a queue
/// that does not exist any more is asked a few times a minute.
const RECEIVE_BACKOFF: Duration = Duration::from_secs(1);
const MAX_RECEIVE_BACKOFF: Duration = Duration::from_secs(20);

/// How often a closed gate is asked again.
const GATE_INTERVAL: Duration = Duration::from_millis(200);

/// What the poller has done so far.
#[derive(Debug, Default)]
pub struct PollerCounts {
    /// Messages received. A message that is received again counts again.
    pub received: AtomicU64,
    /// Messages that succeeded and were deleted.
    pub deleted: AtomicU64,
    /// Messages left on the queue: they are received again.
    pub returned: AtomicU64,
    /// Calls that ended in an error.
    pub errors: AtomicU64,
    /// Whether the last receive failed: then the queue may be out of reach.
    pub is_failing: AtomicBool,
}

/// What all loops of a poller share.
pub(crate) struct PollLoop<F> {
    pub(crate) queue: PolledQueue,
    pub(crate) options: PollerOptions,
    pub(crate) function: F,
    pub(crate) counts: Arc<PollerCounts>,
}

impl<F, A> PollLoop<F>
where
    F: Fn(Value) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Value, String>> + Send + 'static,
{
    /// Polls until `stopping` is true or its sender is dropped. Begins after `delay`.
    pub(crate) async fn run(self: Arc<Self>, delay: Duration, mut stopping: watch::Receiver<bool>) {
        if sleep_or_stop(delay, &mut stopping).await {
            return;
        }
        let mut failures = 0_u32;
        loop {
            if !self.options.gate.is_open() {
                if sleep_or_stop(GATE_INTERVAL, &mut stopping).await {
                    return;
                }
                continue;
            }
            let received = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                received = self.receive(self.options.batch_size, MAX_WAIT) => received,
            };
            let Some(messages) = received else {
                failures = failures.saturating_add(1);
                let draw = self.options.random.draw();
                let wait = full_jitter(RECEIVE_BACKOFF, MAX_RECEIVE_BACKOFF, failures, draw);
                if sleep_or_stop(wait, &mut stopping).await {
                    return;
                }
                continue;
            };
            failures = 0;
            let messages = self.fill(messages, &mut stopping).await;
            let mut rest = messages.as_slice();
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(event::fitting(rest));
                self.process(batch).await;
                rest = later;
            }
        }
    }

    /// Adds messages until the batch is full or its window is over.
    async fn fill(
        &self,
        mut messages: Vec<ReceivedMessage>,
        stopping: &mut watch::Receiver<bool>,
    ) -> Vec<ReceivedMessage> {
        let end = Instant::now() + self.options.window;
        while !messages.is_empty() && messages.len() < self.options.batch_size {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // The end of the window does not cut a receive off: what SQS had given out by then
            // would be hidden until its visibility timeout.
            let more = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                more = self.receive(self.options.batch_size - messages.len(), left) => more,
            };
            match more {
                Some(more) => messages.extend(more),
                None => break,
            }
        }
        messages
    }

    /// Receives messages. `None`: the receive failed.
    async fn receive(&self, wanted: usize, wait: Duration) -> Option<Vec<ReceivedMessage>> {
        let received = self.queue.receive(wanted, wait).await;
        let is_failing = &self.counts.is_failing;
        is_failing.store(received.is_err(), Ordering::Relaxed);
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                tracing::warn!(error, "messages not received, retry after a wait");
                return None;
            }
        };
        add(&self.counts.received, received.len());
        let complete =
            received
                .into_iter()
                .filter_map(|message| match ReceivedMessage::from_sdk(message) {
                    Ok(message) => Some(message),
                    Err(error) => {
                        add(&self.counts.returned, 1);
                        tracing::error!(%error, "message left on the queue");
                        None
                    }
                });
        Some(complete.collect())
    }

    /// Calls the function with one batch, and deletes the messages that succeeded.
    async fn process(&self, batch: &[ReceivedMessage]) {
        let event = event::event(batch, &self.queue.arn);
        let answer = invoke((self.function)(event), self.options.timeout).await;
        let failed = self.failed(batch, answer);
        let handles: Vec<&str> = batch
            .iter()
            .zip(failed)
            .filter(|(_, failed)| !failed)
            .map(|(message, _)| message.receipt_handle.as_str())
            .collect();
        add(&self.counts.returned, batch.len() - handles.len());
        for handles in handles.chunks(MAX_ENTRIES) {
            self.delete(handles).await;
        }
    }

    /// For each message of the batch whether it failed.
    fn failed(&self, batch: &[ReceivedMessage], answer: Result<Value, String>) -> Vec<bool> {
        let all = vec![true; batch.len()];
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                add(&self.counts.errors, 1);
                tracing::warn!(error, messages = batch.len(), "function call failed");
                return all;
            }
        };
        let rules = ResponseRules {
            report_failures: self.options.report_failures,
            fifo: self.queue.arn.is_fifo,
        };
        let ids: Vec<&str> = batch.iter().map(|message| message.id.as_str()).collect();
        batch_response::failed(&ids, &answer, rules).unwrap_or_else(|error| {
            tracing::warn!(%error, messages = batch.len(), "batch response not valid");
            all
        })
    }

    /// Deletes messages. Tries again if the queue does not confirm it.
    async fn delete(&self, handles: &[&str]) {
        let mut left = handles.to_vec();
        for attempt in 1..=MAX_DELETE_ATTEMPTS {
            match self.queue.delete(&left).await {
                Ok(result) => {
                    add(&self.counts.deleted, result.deleted);
                    if result.refused > 0 {
                        let messages = result.refused;
                        tracing::warn!(messages, "delete refused, messages come again");
                    }
                    left = result.retry;
                }
                Err(error) => tracing::warn!(error, messages = left.len(), "delete failed"),
            }
            if left.is_empty() {
                return;
            }
            if attempt < MAX_DELETE_ATTEMPTS {
                let draw = self.options.random.draw();
                let wait = full_jitter(DELETE_BACKOFF, MAX_DELETE_BACKOFF, attempt, draw);
                tokio::time::sleep(wait).await;
            }
        }
        tracing::warn!(
            messages = left.len(),
            "messages not deleted, they come again"
        );
    }
}

/// Whether the poller was stopped before the time was over.
async fn sleep_or_stop(time: Duration, stopping: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => true,
        () = tokio::time::sleep(time) => false,
    }
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}
