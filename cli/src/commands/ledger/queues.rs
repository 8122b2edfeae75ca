//! The stack's queues: the call that wakes the bookkeeper, and messages moved from one queue to
//! another.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, SendMessageBatchRequestEntry,
};
use fanline_core::limits::sqs::{MAX_ENTRIES, is_fifo};
use fanline_ledger::{Control, Lane, WAKE};
use fanline_telemetry::aws_error::words;
use futures_util::future::try_join_all;

use crate::aws;
use crate::aws::AwsResource;
use crate::commands::ledger::place::Ledger;
use crate::exit::InputError;
use crate::print;

/// A receive waits for so long, so that it asks all servers of the queue.
const WAIT_SECONDS: i32 = 1;
/// A message that is being moved is hidden for so long. One that is not moved comes back sooner.
const HIDDEN_SECONDS: i32 = 120;
/// So many batches of ten are moved at the same time.
const MOVERS: usize = 32;
/// An entry that SQS did not take is sent so often.
const MAX_SENDS: u32 = 3;
/// AWS's own queues.
const AWS_HOST: &str = ".amazonaws.com";

/// A queue of the stack.
pub(super) struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this URL, which the control object names.
    pub(super) async fn open(ledger: &Ledger, url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(&config(ledger, url).await?),
            url: url.to_owned(),
        })
    }

    /// Sends messages with these bodies.
    pub(super) async fn send(&self, bodies: &[String]) -> anyhow::Result<()> {
        for chunk in bodies.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().enumerate().map(|(number, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(body)
                    .build()
            });
            self.send_all(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }

    /// Looks at every message that is on the queue now: those that `is_wanted` go to the other
    /// queue, or stay where there is none. Gives how many were wanted.
    ///
    /// A message is put on the other queue before it is deleted here, so it can be there twice and
    /// is never lost.
    pub(super) async fn sift(
        &self,
        to: Option<&Self>,
        is_wanted: &(dyn Fn(&Message) -> bool + Sync),
    ) -> anyhow::Result<u64> {
        let movers = (0..MOVERS).map(|_| self.sift_one_by_one(to, is_wanted));
        Ok(try_join_all(movers).await?.into_iter().sum())
    }

    async fn sift_one_by_one(
        &self,
        to: Option<&Self>,
        is_wanted: &(dyn Fn(&Message) -> bool + Sync),
    ) -> anyhow::Result<u64> {
        let (mut wanted, mut kept) = (0, Vec::new());
        loop {
            let messages = self.receive().await?;
            if messages.is_empty() {
                break;
            }
            let (moved, stay): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_wanted);
            wanted += moved.len() as u64;
            let stay = stay.iter().filter_map(Message::receipt_handle);
            kept.extend(stay.map(str::to_owned));
            if let Some(to) = to {
                to.take_over(&moved).await?;
                self.delete(&moved).await?;
            } else {
                let moved = moved.iter().filter_map(Message::receipt_handle);
                kept.extend(moved.map(str::to_owned));
            }
        }
        self.show(&kept).await?;
        Ok(wanted)
    }

    async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let receive = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(WAIT_SECONDS)
            .visibility_timeout(HIDDEN_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = receive.send().await;
        let received = received.map_err(|error| self.failed(&words(&error)))?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Puts the messages of another queue on this one, with their attributes.
    async fn take_over(&self, messages: &[Message]) -> anyhow::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let system = message.attributes();
            let group = system.and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
            let fifo = is_fifo(&self.url);
            SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .set_message_body(message.body.clone())
                .set_message_group_id(group.cloned())
                .set_message_deduplication_id(fifo.then(|| fanline_ledger::draw_id().to_string()))
                .build()
        });
        self.send_all(entries.collect::<Result<_, _>>()?).await
    }

    async fn send_all(&self, entries: Vec<SendMessageBatchRequestEntry>) -> anyhow::Result<()> {
        let mut left = entries;
        let mut problem = String::new();
        for _ in 0..MAX_SENDS {
            let request = self.client.send_message_batch().queue_url(&self.url);
            let sent = request.set_entries(Some(left.clone())).send().await;
            let sent = sent.map_err(|error| self.failed(&words(&error)))?;
            let Some(first) = sent.failed.first() else {
                return Ok(());
            };
            first
                .message()
                .unwrap_or(first.code())
                .clone_into(&mut problem);
            left.retain(|entry| sent.failed.iter().any(|failed| failed.id == entry.id));
        }
        Err(self.failed(&problem))
    }

    async fn delete(&self, messages: &[Message]) -> anyhow::Result<()> {
        let handles = messages.iter().enumerate().map(|(number, message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .set_receipt_handle(message.receipt_handle.clone())
                .build()
        });
        let handles: Vec<_> = handles.collect::<Result<_, _>>()?;
        if handles.is_empty() {
            return Ok(());
        }
        let delete = self.client.delete_message_batch().queue_url(&self.url);
        let deleted = delete.set_entries(Some(handles)).send().await;
        deleted.map_err(|error| self.failed(&words(&error)))?;
        Ok(())
    }

    /// Lets messages that were looked at be received again at once. One that is not shown comes
    /// back by itself.
    async fn show(&self, handles: &[String]) -> anyhow::Result<()> {
        for chunk in handles.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().enumerate().map(|(number, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(0)
                    .build()
            });
            let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
            let change = self.client.change_message_visibility_batch();
            let change = change.queue_url(&self.url).set_entries(Some(entries));
            let shown = change.send().await;
            shown.map_err(|error| self.failed(&words(&error)))?;
        }
        Ok(())
    }

    fn failed(&self, problem: &str) -> anyhow::Error {
        anyhow::anyhow!("`{}`: {problem}", self.url)
    }
}

/// Wakes the bookkeeper after an edit, so that it acts at once. Without it nothing is lost: the
/// bookkeeper looks each minute.
pub(super) async fn wake(ledger: &Ledger, outcomes: Option<&str>) {
    let Some(url) = outcomes else {
        return;
    };
    let sent = match Queue::open(ledger, url).await {
        Ok(queue) => queue.send(&[WAKE.to_owned()]).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        print::note(format_args!(
            "the bookkeeper was not woken ({error:#}): it looks within a minute"
        ));
    }
}

/// The URL of a queue that a command needs, or why it can't go on.
pub(super) fn required<'a>(url: Option<&'a str>, what: &str) -> Result<&'a str, InputError> {
    url.ok_or_else(|| {
        InputError(format!(
            "the control object names no {what}: the bookkeeper writes it down each minute"
        ))
    })
}

/// The delivery queue of a run's lane.
pub(super) fn delivery_queue<'a>(control: &'a Control, run: &str) -> Result<&'a str, InputError> {
    let lane = control.run(run).map_or(Lane::Bulk, |run| run.lane);
    let what = match lane {
        Lane::Bulk => "delivery queue",
        Lane::Urgent => "urgent queue",
    };
    required(control.stack().deliveries_of(lane), what)
}

/// The configuration for a queue: that of the stack's account, or for a queue of this machine one
/// that needs no account.
async fn config(ledger: &Ledger, url: &str) -> anyhow::Result<SdkConfig> {
    if let Some(account) = &ledger.account {
        return Ok(account.clone());
    }
    let origin = origin(url);
    if origin.ends_with(AWS_HOST) {
        return aws::config(Some(AwsResource::Ledger)).await;
    }
    Ok(aws::with_queue(
        aws::config(None).await?,
        origin.to_owned(),
        true,
    ))
}

/// `http://HOST:PORT` of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let rest = url.get(host..).unwrap_or_default();
    let end = rest.find('/').map_or(url.len(), |path| host + path);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_a_queue_is_the_beginning_of_its_url() {
        for (url, expected) in [
            ("http://127.0.0.1:9324/000/q", "http://127.0.0.1:9324"),
            (
                "https://sqs.us-east-1.amazonaws.com/1/q",
                "https://sqs.us-east-1.amazonaws.com",
            ),
            ("http://127.0.0.1:9324", "http://127.0.0.1:9324"),
            ("q", "q"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
