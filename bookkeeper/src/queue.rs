//! One queue of the stack: messages sent to it, counted, and moved to another queue.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use fanline_core::limits::sqs::{MAX_ENTRIES, is_fifo};
use fanline_ledger::draw_id;
use fanline_seal::Outline;
use fanline_telemetry::aws_error::words;
use futures_util::future::try_join_all;
use tokio::time::Instant;

/// What the three counts of a queue are: to be received, received, and delayed.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];
/// A receive waits for so long, so that it asks all servers of the queue.
const WAIT_SECONDS: i32 = 1;
/// A message that is being moved is hidden for so long. One that is not moved comes back sooner.
const HIDDEN_SECONDS: i32 = 120;
/// So many batches of ten are moved at the same time.
const MOVERS: usize = 32;
/// An entry that SQS did not take is sent so often.
const MAX_SENDS: u32 = 3;

/// A queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("`{url}`: {problem}")]
pub struct QueueError {
    url: String,
    problem: String,
}

/// What a look at every message of a queue came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sifted {
    /// So many messages went to another queue.
    pub moved: u64,
    /// Whether the queue had nothing more to show. Else the time was over, or SQS hides no more
    /// messages at once.
    pub is_complete: bool,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
        }
    }

    /// Whether it has no message at all, also none that is received or delayed. SQS's counts are
    /// approximate, so one look alone proves nothing.
    pub async fn is_empty(&self) -> Result<bool, QueueError> {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.set_attribute_names(Some(COUNTS.to_vec()));
        let counts = request.send().await;
        let counts = counts.map_err(|error| self.failed(words(&error)))?;
        let mut counts = counts.attributes.into_iter().flatten();
        Ok(counts.all(|(_, count)| count == "0"))
    }

    /// Sends messages with these bodies. An error can leave some of them sent.
    pub async fn send(&self, bodies: &[String]) -> Result<(), QueueError> {
        for chunk in bodies.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().enumerate().map(|(number, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(body)
                    .build()
            });
            self.send_all(self.built(entries)?).await?;
        }
        Ok(())
    }

    /// Looks at every message that is on the queue now, until `until` at the latest. `to` says to
    /// which queue a message goes, and may change its body before; `None`: it stays.
    ///
    /// A message is put on the other queue before it is deleted here, so it can be there twice and
    /// is never lost. What stays is hidden until the end, 120 s at most.
    pub async fn sift<'a>(
        &self,
        to: &(dyn Fn(&mut Message) -> Option<&'a Self> + Sync),
        until: Option<Instant>,
    ) -> Result<Sifted, QueueError> {
        let is_complete = AtomicBool::new(true);
        let movers = (0..MOVERS).map(|_| self.sift_one_by_one(to, until, &is_complete));
        let moved = try_join_all(movers).await?;
        Ok(Sifted {
            moved: moved.into_iter().sum(),
            is_complete: is_complete.into_inner(),
        })
    }

    async fn sift_one_by_one<'a>(
        &self,
        to: &(dyn Fn(&mut Message) -> Option<&'a Self> + Sync),
        until: Option<Instant>,
        is_complete: &AtomicBool,
    ) -> Result<u64, QueueError> {
        let (mut all, mut kept) = (0, Vec::new());
        loop {
            let is_over = until.is_some_and(|until| Instant::now() >= until);
            let received = if is_over { None } else { self.receive().await? };
            let Some(messages) = received else {
                is_complete.store(false, Ordering::Relaxed);
                break;
            };
            if messages.is_empty() {
                break;
            }
            let mut moved: BTreeMap<&str, (&Self, Vec<Message>)> = BTreeMap::new();
            for mut message in messages {
                match to(&mut message) {
                    None => kept.extend(message.receipt_handle),
                    Some(queue) => {
                        let moved = moved.entry(&queue.url).or_insert((queue, Vec::new()));
                        moved.1.push(message);
                    }
                }
            }
            for (queue, messages) in moved.into_values() {
                queue.take_over(&messages).await?;
                self.delete(&messages).await?;
                all += messages.len() as u64;
            }
        }
        self.show(&kept).await?;
        Ok(all)
    }

    /// `None` where so many messages are hidden already that SQS shows no more.
    async fn receive(&self) -> Result<Option<Vec<Message>>, QueueError> {
        let receive = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(WAIT_SECONDS)
            .visibility_timeout(HIDDEN_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        match receive.send().await {
            Ok(received) => Ok(Some(received.messages.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_over_limit() => Ok(None),
                _ => Err(self.failed(words(&error))),
            },
        }
    }

    /// Puts the messages of another queue on this one.
    async fn take_over(&self, messages: &[Message]) -> Result<(), QueueError> {
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let system = message.attributes();
            let group = system.and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
            let fifo = is_fifo(&self.url);
            SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .set_message_body(message.body.clone())
                .set_message_group_id(group.cloned())
                .set_message_deduplication_id(fifo.then(|| draw_id().to_string()))
                .build()
        });
        self.send_all(self.built(entries)?).await
    }

    async fn send_all(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), QueueError> {
        let mut left = entries;
        let mut problem = String::new();
        for _ in 0..MAX_SENDS {
            let request = self.client.send_message_batch().queue_url(&self.url);
            let sent = request.set_entries(Some(left.clone())).send().await;
            let sent = sent.map_err(|error| self.failed(words(&error)))?;
            let Some(first) = sent.failed.first() else {
                return Ok(());
            };
            words_of(first).clone_into(&mut problem);
            left.retain(|entry| sent.failed.iter().any(|failed| failed.id == entry.id));
        }
        Err(self.failed(problem))
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), QueueError> {
        let handles = messages.iter().enumerate().map(|(number, message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .set_receipt_handle(message.receipt_handle.clone())
                .build()
        });
        let delete = self.client.delete_message_batch().queue_url(&self.url);
        let delete = delete.set_entries(Some(self.built(handles)?));
        let deleted = delete.send().await;
        deleted.map_err(|error| self.failed(words(&error)))?;
        Ok(())
    }

    /// Lets messages that were looked at be received again at once. One that is not shown comes
    /// back by itself.
    async fn show(&self, handles: &[String]) -> Result<(), QueueError> {
        for chunk in handles.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().enumerate().map(|(number, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(0)
                    .build()
            });
            let change = self.client.change_message_visibility_batch();
            let change = change.queue_url(&self.url);
            let change = change.set_entries(Some(self.built(entries)?));
            let shown = change.send().await;
            shown.map_err(|error| self.failed(words(&error)))?;
        }
        Ok(())
    }

    fn built<T>(
        &self,
        entries: impl Iterator<Item = Result<T, BuildError>>,
    ) -> Result<Vec<T>, QueueError> {
        let entries = entries.collect::<Result<_, _>>();
        entries.map_err(|error| self.failed(error.to_string()))
    }

    fn failed(&self, problem: String) -> QueueError {
        QueueError {
            url: self.url.clone(),
            problem,
        }
    }
}

fn words_of(entry: &BatchResultErrorEntry) -> &str {
    entry.message().unwrap_or(entry.code())
}

/// The run of a delivery that was parked or set aside: its attribute says so, or its body where SQS
/// moved it. `None` where neither does.
pub fn run_of(message: &Message) -> Option<String> {
    let attributes = message.message_attributes();
    let run = attributes.and_then(|attributes| attributes.get("run"));
    if let Some(run) = run.and_then(MessageAttributeValue::string_value) {
        return Some(run.to_owned());
    }
    Some(Outline::of(message.body()?)?.run)
}
