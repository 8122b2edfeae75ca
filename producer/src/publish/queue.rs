//! One request, until every entry of it is on the queue or refused for good.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use fanline_core::backoff::full_jitter;
use fanline_core::campaign::Lane;
use fanline_core::surroundings::Surroundings;
use fanline_telemetry::aws_error::{status, words};

use crate::publish::batch_result::{BatchResult, is_permanent};
use crate::publish::pack::Entry;
use crate::publish::sqs_entry::EntryWriter;

/// The SDK has no time-out of its own for an answer that never comes. This is ten times as long as
/// a full request takes on a slow day.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The wait before the second attempt is at most this long. Before each later one it is at most
/// twice as long as before, up to [`MAX_WAIT`].
const BASE_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A queue of deliveries or of slices.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: Client,
    url: String,
    max_attempts: u32,
    surroundings: Surroundings,
}

/// Why entries are not on the queue, or may not be.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue refuses the whole request, and would refuse it again.
    #[error("the queue `{queue}` refused the request: {problem}")]
    Refused {
        /// The name of the queue.
        queue: String,
        /// The queue's own words.
        problem: String,
    },
    /// The request was tried as often as the settings allow.
    #[error(
        "the queue `{queue}` did not take the request in {attempts} attempts; \
         the last: {problem}"
    )]
    GaveUp {
        /// The name of the queue.
        queue: String,
        /// How often the request was tried.
        attempts: u32,
        /// What went wrong at the last attempt.
        problem: String,
    },
    /// The code that sends the request panicked. The panic's message may hold a row, so it is not
    /// repeated.
    #[error("the code that sends to the queue `{queue}` panicked, the log says where")]
    Panicked {
        /// The name of the queue.
        queue: String,
    },
}

/// The delivery queues of a stack.
#[derive(Debug)]
pub(crate) struct DeliveryQueues {
    pub(crate) bulk: Queue,
    /// That of the urgent lane, where the stack has one.
    pub(crate) urgent: Option<Queue>,
}

/// A campaign is urgent, and nothing takes urgent deliveries.
#[derive(Debug, thiserror::Error)]
#[error(
    "`lane` is `urgent`, but the stack has no urgent queue, so nothing was sent: deploy it with \
     `UrgentLane=ENABLED` (or set `URGENT_QUEUE_URL`), or leave `lane` out"
)]
pub struct NoUrgentQueue;

impl DeliveryQueues {
    /// The queue of a lane.
    pub(crate) fn of(&self, lane: Lane) -> Result<&Queue, NoUrgentQueue> {
        match lane {
            Lane::Bulk => Ok(&self.bulk),
            Lane::Urgent => self.urgent.as_ref().ok_or(NoUrgentQueue),
        }
    }
}

impl Queue {
    /// The queue at `url`, with the SDK's settings. An entry is sent `max_attempts` times at most.
    pub(crate) fn new(
        config: &SdkConfig,
        url: String,
        max_attempts: u32,
        surroundings: Surroundings,
    ) -> Self {
        let mut builder = aws_sdk_sqs::config::Builder::from(config)
            // `Queue::send` retries everything that can go wrong. The SDK would repeat requests,
            // but not single entries that an answer refuses.
            .retry_config(RetryConfig::disabled());
        if config
            .timeout_config()
            .is_none_or(|timeouts| timeouts.operation_attempt_timeout().is_none())
        {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT);
            builder = builder.timeout_config(timeouts.build());
        }
        Self {
            client: Client::from_conf(builder.build()),
            url,
            max_attempts,
            surroundings,
        }
    }

    /// Sends up to ten entries until each of them is on the queue or refused for good.
    ///
    /// Where an answer was lost, an entry may be on the queue twice. Both have the same retry key.
    pub(crate) async fn send(
        &self,
        mut entries: Vec<Entry>,
        writer: &EntryWriter,
    ) -> Result<BatchResult, QueueError> {
        let mut result = BatchResult::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            result.requests += 1;
            let problem = match self.attempt(&entries, writer).await {
                Ok(answer) => result.take_settled(&mut entries, &answer),
                Err(error) if is_permanent(error.code(), status(&error)) => {
                    return Err(self.refused(words(&error)));
                }
                Err(error) => words(&error),
            };
            if entries.is_empty() {
                return Ok(result);
            }
            if attempt >= self.max_attempts {
                return Err(QueueError::GaveUp {
                    queue: self.name().to_owned(),
                    attempts: attempt,
                    problem,
                });
            }
            let draw = self.surroundings.random.draw();
            let wait = full_jitter(BASE_WAIT, MAX_WAIT, attempt, draw);
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        entries: &[Entry],
        writer: &EntryWriter,
    ) -> Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>> {
        let request = writer.write(entries, self.surroundings.clock.now());
        self.client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(request))
            .send()
            .await
    }

    /// The error of a queue that refuses a request in these words.
    pub(crate) fn refused(&self, problem: String) -> QueueError {
        QueueError::Refused {
            queue: self.name().to_owned(),
            problem,
        }
    }

    /// The name of the queue, for people.
    pub(crate) fn name(&self) -> &str {
        match self.url.rsplit_once('/') {
            Some((_, name)) => name,
            None => &self.url,
        }
    }
}
