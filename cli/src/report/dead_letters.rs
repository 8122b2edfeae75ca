//! What is in a dead-letter queue at the end of a run, and why.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use fanline_core::delivery::Delivery;
use uuid::Uuid;

/// The reason of a delivery that the queue set aside itself: it was received too often.
const RECEIVED_TOO_OFTEN: &str = "received too often";

/// Recipients in a dead-letter queue, by reason.
#[derive(Default)]
struct Reasons {
    recipients: BTreeMap<String, u64>,
    /// A dead letter can be on the queue twice, with the same retry key.
    retry_keys: HashSet<Uuid>,
}

/// Takes all messages off the queue, and counts their recipients by reason.
pub(crate) async fn take_all(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut reasons = Reasons::default();
    loop {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .message_attribute_names("reason")
            .send()
            .await
            .context("reading the dead-letter queue")?;
        // The SDK gives `None` for an answer without messages.
        let Some(messages) = received.messages.filter(|messages| !messages.is_empty()) else {
            return Ok(reasons.recipients);
        };
        let mut delete = sqs.delete_message_batch().queue_url(queue_url);
        for (i, message) in messages.iter().enumerate() {
            reasons.add(message).context("reading a dead letter")?;
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(i.to_string())
                .set_receipt_handle(message.receipt_handle.clone());
            delete = delete.entries(entry.build()?);
        }
        delete
            .send()
            .await
            .context("emptying the dead-letter queue")?;
    }
}

impl Reasons {
    fn add(&mut self, message: &Message) -> anyhow::Result<()> {
        let body = message.body().context("the message has no body")?;
        let recipients = match Delivery::decode(body) {
            Ok(delivery) if self.retry_keys.insert(delivery.request().retry_key) => {
                delivery.recipients.len() as u64
            }
            Ok(_) => return Ok(()),
            // Nobody can say how many recipients it has: it counts as one.
            Err(_) => 1,
        };
        let reason = message
            .message_attributes()
            .and_then(|attributes| attributes.get("reason")?.string_value())
            .unwrap_or(RECEIVED_TOO_OFTEN);
        *self.recipients.entry(reason.to_owned()).or_default() += recipients;
        Ok(())
    }
}
