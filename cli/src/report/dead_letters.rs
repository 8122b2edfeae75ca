//! What lies in a dead-letter queue at the end of a run, and why.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use fanline_core::delivery::Delivery;

/// The reason of a delivery that the queue set aside by itself, having handed it out too often.
const RECEIVED_TOO_OFTEN: &str = "received too often";

/// Empties the queue and counts people by reason. A dead letter can be there twice; its retry key tells.
pub(crate) async fn reasons(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut reasons = BTreeMap::new();
    let mut seen = HashSet::new();
    loop {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .message_attribute_names("reason")
            .send()
            .await;
        let messages = received
            .context("reading the dead-letter queue")?
            .messages
            .unwrap_or_default();
        if messages.is_empty() {
            return Ok(reasons);
        }
        let mut delete = sqs.delete_message_batch().queue_url(queue_url);
        for (i, message) in messages.iter().enumerate() {
            let delivery = Delivery::decode(message.body().unwrap_or_default()).ok();
            if delivery
                .as_ref()
                .is_none_or(|delivery| seen.insert(delivery.request().retry_key))
            {
                let reason = message
                    .message_attributes()
                    .and_then(|all| all.get("reason")?.string_value());
                let people = delivery.map_or(1, |delivery| delivery.recipients.len() as u64);
                *reasons
                    .entry(reason.unwrap_or(RECEIVED_TOO_OFTEN).to_owned())
                    .or_default() += people;
            }
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(i.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default());
            delete = delete.entries(entry.build()?);
        }
        delete
            .send()
            .await
            .context("emptying the dead-letter queue")?;
    }
}
