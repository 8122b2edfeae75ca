//! The stack's queues: how much is on them, and orders for the slice queue.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use fanline_core::limits::sqs::MAX_ENTRIES;
use fanline_ledger::{Lane, SliceId, SliceOrder, Stack};
use fanline_telemetry::aws_error::words;

/// What the three counts of a queue are: to be received, received, and delayed.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];
/// An entry that SQS did not take is sent so often.
const MAX_SENDS: u32 = 3;

/// The stack's queues.
#[derive(Debug)]
pub(crate) struct Queues {
    client: Client,
    /// Every queue from which something of a run can still come.
    watched: Vec<String>,
    slices: Option<String>,
}

/// A queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("`{url}`: {problem}")]
    Failed { url: String, problem: String },
    #[error("there is no slice queue: `SLICE_QUEUE_URL` is not set")]
    NoSliceQueue,
}

impl Queues {
    pub(crate) fn new(stack: &Stack, config: &SdkConfig) -> Self {
        let all = [
            stack.deliveries_of(Lane::Bulk),
            stack.deliveries_of(Lane::Urgent),
            stack.parked.as_deref(),
            stack.slices.as_deref(),
            stack.outcomes.as_deref(),
        ];
        Self {
            client: Client::new(config),
            watched: all.into_iter().flatten().map(str::to_owned).collect(),
            slices: stack.slices.clone(),
        }
    }

    /// Whether no queue has a message from which something of a run could come. SQS's counts are
    /// approximate, so one look alone proves nothing.
    pub(crate) async fn are_empty(&self) -> Result<bool, QueueError> {
        for url in &self.watched {
            let request = self.client.get_queue_attributes().queue_url(url);
            let counts = request
                .set_attribute_names(Some(COUNTS.to_vec()))
                .send()
                .await;
            let counts = counts.map_err(|error| failed(url, words(&error)))?;
            let mut counts = counts.attributes.into_iter().flatten();
            if counts.any(|(_, count)| count != "0") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Orders these slices of a run. An error can leave some of them ordered: an order that comes
    /// twice does no harm.
    pub(crate) async fn order(&self, run: &str, slices: &[SliceId]) -> Result<(), QueueError> {
        let url = self.slices.as_ref().ok_or(QueueError::NoSliceQueue)?;
        let bodies: Vec<_> = slices
            .iter()
            .map(|slice| SliceOrder::new(run, *slice).encode())
            .collect();
        for bodies in bodies.chunks(MAX_ENTRIES) {
            self.send(url, bodies).await?;
        }
        Ok(())
    }

    async fn send(&self, url: &str, bodies: &[String]) -> Result<(), QueueError> {
        let mut left: Vec<&String> = bodies.iter().collect();
        let mut problem = String::new();
        for _ in 0..MAX_SENDS {
            let mut request = self.client.send_message_batch().queue_url(url);
            for (number, body) in left.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(*body);
                let entry = entry
                    .build()
                    .map_err(|error| failed(url, error.to_string()))?;
                request = request.entries(entry);
            }
            let sent = request
                .send()
                .await
                .map_err(|error| failed(url, words(&error)))?;
            let Some(first) = sent.failed.first() else {
                return Ok(());
            };
            first
                .message()
                .unwrap_or(first.code())
                .clone_into(&mut problem);
            let numbers = sent
                .failed
                .iter()
                .filter_map(|entry| entry.id.parse::<usize>().ok());
            left = numbers
                .filter_map(|number| left.get(number).copied())
                .collect();
        }
        Err(failed(url, problem))
    }
}

fn failed(url: &str, problem: String) -> QueueError {
    QueueError::Failed {
        url: url.to_owned(),
        problem,
    }
}
