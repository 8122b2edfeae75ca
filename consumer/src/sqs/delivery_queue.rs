//! The delivery queue as the consumer sees it: hide a record for a while, put back the parts of a split.

use std::collections::HashMap;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use fanline_core::sqs_limits::{MAX_DELAY_SECONDS, MAX_ENTRIES};
use fanline_telemetry::aws_error::words;
use tokio::sync::Mutex;

/// Why the queue could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// Neither `DELIVERY_QUEUE_URL` nor the record's ARN leads to a queue.
    #[error("the queue of the records is not known: {0}")]
    Nowhere(String),
    /// It answered with an error, or not at all.
    #[error("the queue did not do it: {0}")]
    Refused(String),
}

/// The delivery queue.
pub(crate) struct Queue {
    sqs: aws_sdk_sqs::Client,
    url: Option<String>,
    found: Mutex<HashMap<String, String>>,
}

impl Queue {
    /// The queue at `url`, or whichever the records come from.
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, url: Option<String>) -> Self {
        Self {
            sqs,
            url,
            found: Mutex::default(),
        }
    }

    /// Hides the messages with these receipt handles for so many seconds each, counted from now.
    pub(crate) async fn hide(&self, arn: &str, waits: &[(String, u32)]) -> Result<(), QueueError> {
        let url = self.url(arn).await?;
        for some in waits.chunks(MAX_ENTRIES) {
            let mut request = self.sqs.change_message_visibility_batch().queue_url(&url);
            for (i, (handle, seconds)) in some.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(i.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(i32::try_from(*seconds).unwrap_or(i32::MAX))
                    .build()
                    .map_err(|error| QueueError::Refused(error.to_string()))?;
                request = request.entries(entry);
            }
            let answer = request
                .send()
                .await
                .map_err(|error| QueueError::Refused(words(&error)))?;
            for failed in answer.failed() {
                tracing::warn!(code = failed.code(), "a record's wait was not changed");
            }
        }
        Ok(())
    }

    /// Puts a delivery on the queue, to appear after `delay` seconds.
    pub(crate) async fn put(&self, arn: &str, body: String, delay: u32) -> Result<(), QueueError> {
        let url = self.url(arn).await?;
        let delay = i32::from(
            u16::try_from(delay).map_or(MAX_DELAY_SECONDS, |delay| delay.min(MAX_DELAY_SECONDS)),
        );
        let sent = self
            .sqs
            .send_message()
            .queue_url(url)
            .message_body(body)
            .delay_seconds(delay)
            .send()
            .await;
        sent.map(drop)
            .map_err(|error| QueueError::Refused(words(&error)))
    }

    /// The queue's URL: the setting, or what `GetQueueUrl` says of the ARN, asked once.
    async fn url(&self, arn: &str) -> Result<String, QueueError> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let mut found = self.found.lock().await;
        if let Some(url) = found.get(arn) {
            return Ok(url.clone());
        }
        let (account, name) = owner_and_name(arn)
            .ok_or_else(|| QueueError::Nowhere("the record has no queue ARN".into()))?;
        let answer = self
            .sqs
            .get_queue_url()
            .queue_name(name)
            .queue_owner_aws_account_id(account)
            .send()
            .await
            .map_err(|error| QueueError::Nowhere(error.code().unwrap_or("no answer").to_owned()))?;
        let url = answer
            .queue_url
            .ok_or_else(|| QueueError::Nowhere("an answer without a URL".into()))?;
        found.insert(arn.to_owned(), url.clone());
        Ok(url)
    }
}

/// Account and name in `arn:aws:sqs:REGION:ACCOUNT:NAME`.
fn owner_and_name(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':').skip(2);
    let service = parts.next()?;
    let account = parts.nth(1)?;
    let name = parts.next()?;
    (service == "sqs" && !account.is_empty() && !name.is_empty()).then_some((account, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_account_and_the_queue() {
        assert_eq!(
            owner_and_name("arn:aws:sqs:eu-west-1:123456789012:deliveries"),
            Some(("123456789012", "deliveries"))
        );
        for bad in ["", "arn:aws:sns:a:b:c", "arn:aws:sqs:a", "arn:aws:sqs:a::b"] {
            assert_eq!(owner_and_name(bad), None, "{bad}");
        }
    }
}
