//! One request, until every entry of it is on the queue or refused for good.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use jiff::Timestamp;

use crate::publish::batch_result::{Receipt, is_final, longest_wait, settle};
use crate::publish::pack::Entry;
use crate::publish::sqs_entry::Postmark;
use fanline_telemetry::aws_error::{status, words};

/// The SDK sets no limit of its own to an answer that never comes. Ten times what a full request takes on a slow day.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A queue of deliveries or slices.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: Client,
    url: String,
    attempts: u32,
}

/// Why entries are not on the queue, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue refuses the whole request, and would refuse it again.
    #[error("the queue `{queue}` refused the request: {problem}")]
    Refused {
        /// The queue's name.
        queue: String,
        /// Its code and words.
        problem: String,
    },
    /// It was tried as often as the settings allow.
    #[error(
        "the queue `{queue}` did not take the request in {attempts} attempts; the last: {problem}"
    )]
    GaveUp {
        /// The queue's name.
        queue: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        problem: String,
    },
    /// The code that sends the request panicked. The panic's message may hold a row, so it is not
    /// repeated.
    #[error("the code that sends to the queue `{queue}` panicked, the log says where")]
    Panicked {
        /// The queue's name.
        queue: String,
    },
}

impl Queue {
    /// The queue at `url`, reached with the SDK's settings; `attempts` is how often an entry is offered.
    pub(crate) fn new(config: &SdkConfig, url: String, attempts: u32) -> Self {
        let mut builder = aws_sdk_sqs::config::Builder::from(config)
            // One loop for all that can go wrong: the SDK would repeat requests, but never the entries that an answer refuses.
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
            attempts,
        }
    }

    /// Sends up to ten entries until each is on the queue or refused for good.
    ///
    /// An entry may be on the queue twice afterwards, where an answer was lost: its retry key is the same.
    pub(crate) async fn send(
        &self,
        mut entries: Vec<Entry>,
        mark: &Postmark,
    ) -> Result<Receipt, QueueError> {
        let mut receipt = Receipt::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            receipt.requests += 1;
            let problem = match self.attempt(&entries, mark).await {
                Ok(answer) => settle(&mut entries, &answer, &mut receipt),
                Err(error) if is_final(error.code(), status(&error)) => {
                    return Err(QueueError::Refused {
                        queue: self.name(),
                        problem: words(&error),
                    });
                }
                Err(error) => words(&error),
            };
            if entries.is_empty() {
                return Ok(receipt);
            }
            if attempt >= self.attempts {
                return Err(QueueError::GaveUp {
                    queue: self.name(),
                    attempts: attempt,
                    problem,
                });
            }
            tokio::time::sleep(rand::random_range(Duration::ZERO..=longest_wait(attempt))).await;
        }
    }

    async fn attempt(
        &self,
        entries: &[Entry],
        mark: &Postmark,
    ) -> Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>> {
        let request = mark.request(entries, Timestamp::now());
        self.client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(request))
            .send()
            .await
    }

    /// The queue's name, for people.
    pub(crate) fn name(&self) -> String {
        self.url.rsplit('/').next().unwrap_or_default().to_owned()
    }
}
