//! The delivery queue: hides and deletes records, and takes the parts of a split.

use std::collections::HashMap;

use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry as Entry;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use fanline_core::limits::sqs::{MAX_DELAY_SECONDS, MAX_ENTRIES};
use fanline_telemetry::aws_error;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Why the delivery queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryQueueError {
    /// Neither `DELIVERY_QUEUE_URL` nor the record's ARN leads to a queue.
    #[error("the URL of the delivery queue is not known: {0}")]
    NoUrl(String),
    /// It answered with an error, or not at all.
    #[error("{0}")]
    Refused(String),
}

/// The delivery queues: a stack with an urgent lane has two.
pub(crate) struct DeliveryQueue {
    sqs: aws_sdk_sqs::Client,
    url: Option<String>,
    urgent_url: Option<String>,
    /// The URLs that were looked up, by ARN.
    urls: Mutex<HashMap<String, String>>,
}

/// A record that is hidden.
#[derive(Debug)]
pub(crate) struct Hidden<'a> {
    /// The record's receipt handle.
    pub receipt_handle: &'a str,
    /// For how many seconds from now.
    pub seconds: u16,
}

impl DeliveryQueue {
    /// The queue at `url`, and beside it that of the urgent lane. Without `url`, the queue that a
    /// record comes from.
    pub(crate) fn new(
        sqs: aws_sdk_sqs::Client,
        url: Option<String>,
        urgent_url: Option<String>,
    ) -> Self {
        Self {
            sqs,
            url,
            urgent_url,
            urls: Mutex::default(),
        }
    }

    /// Hides the records of the queue with this ARN.
    pub(crate) async fn hide(
        &self,
        arn: Option<&str>,
        records: &[Hidden<'_>],
    ) -> Result<(), DeliveryQueueError> {
        let url = self.url(arn).await?;
        for records in records.chunks(MAX_ENTRIES) {
            let request = self.sqs.change_message_visibility_batch().queue_url(&url);
            let request = request.set_entries(Some(entries(records)));
            let response = request
                .send()
                .await
                .map_err(|error| DeliveryQueueError::Refused(aws_error::words(&error)))?;
            for failed in response.failed() {
                let error = failed.code();
                tracing::warn!(error, "visibility timeout not changed");
            }
        }
        Ok(())
    }

    /// Deletes the records of the queue with this ARN. A record that is gone already is no error.
    pub(crate) async fn delete(
        &self,
        arn: Option<&str>,
        receipt_handles: &[&str],
    ) -> Result<(), DeliveryQueueError> {
        let url = self.url(arn).await?;
        for handles in receipt_handles.chunks(MAX_ENTRIES) {
            let request = self.sqs.delete_message_batch().queue_url(&url);
            let request = request.set_entries(Some(deletes(handles)));
            let response = request
                .send()
                .await
                .map_err(|error| DeliveryQueueError::Refused(aws_error::words(&error)))?;
            if let Some(failed) = response.failed().first() {
                return Err(DeliveryQueueError::Refused(failed.code().to_owned()));
            }
        }
        Ok(())
    }

    /// Puts a delivery on the queue. It appears after `delay` seconds, or after as many of them as
    /// SQS allows.
    pub(crate) async fn put(
        &self,
        arn: Option<&str>,
        body: String,
        delay: u16,
    ) -> Result<(), DeliveryQueueError> {
        let request = self.sqs.send_message().queue_url(self.url(arn).await?);
        let request = request
            .message_body(body)
            .delay_seconds(i32::from(delay.min(MAX_DELAY_SECONDS)));
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|error| DeliveryQueueError::Refused(aws_error::words(&error)))
    }

    /// Puts a delivery at the end of a message group of a FIFO queue, which knows no delay.
    /// `identity`: two with the same one within five minutes are one.
    pub(crate) async fn put_in_group(
        &self,
        arn: Option<&str>,
        body: String,
        group: &str,
        identity: Uuid,
    ) -> Result<(), DeliveryQueueError> {
        let request = self.sqs.send_message().queue_url(self.url(arn).await?);
        let request = request
            .message_body(body)
            .message_group_id(group)
            .message_deduplication_id(identity.to_string());
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|error| DeliveryQueueError::Refused(aws_error::words(&error)))
    }

    /// The queue's URL: the setting, or what `GetQueueUrl` says of the ARN. It is looked up once.
    async fn url(&self, arn: Option<&str>) -> Result<String, DeliveryQueueError> {
        let urgent = self.urgent_url.as_ref();
        if let Some(urgent) = urgent.filter(|url| arn.is_some_and(|arn| is_named_alike(url, arn))) {
            return Ok(urgent.clone());
        }
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let arn = arn.ok_or_else(|| DeliveryQueueError::NoUrl("the record has no ARN".into()))?;
        let mut urls = self.urls.lock().await;
        if let Some(url) = urls.get(arn) {
            return Ok(url.clone());
        }
        let url = self.look_up(arn).await?;
        urls.insert(arn.to_owned(), url.clone());
        Ok(url)
    }

    async fn look_up(&self, arn: &str) -> Result<String, DeliveryQueueError> {
        let no_url = |reason: &str| DeliveryQueueError::NoUrl(reason.to_owned());
        let (account, name) = account_and_name(arn)
            .ok_or_else(|| no_url("the record's ARN is not that of a queue"))?;
        let request = self.sqs.get_queue_url().queue_name(name);
        let response = request
            .queue_owner_aws_account_id(account)
            .send()
            .await
            .map_err(|error| no_url(&aws_error::words(&error)))?;
        response
            .queue_url
            .ok_or_else(|| no_url("SQS answered without a URL"))
    }
}

#[expect(
    clippy::expect_used,
    reason = "id and receipt handle, all that the builder needs, are set"
)]
fn entries(records: &[Hidden<'_>]) -> Vec<Entry> {
    let entries = records.iter().enumerate().map(|(id, record)| {
        Entry::builder()
            .id(id.to_string())
            .receipt_handle(record.receipt_handle)
            .visibility_timeout(i32::from(record.seconds))
            .build()
            .expect("a complete entry")
    });
    entries.collect()
}

#[expect(
    clippy::expect_used,
    reason = "id and receipt handle, all that the builder needs, are set"
)]
fn deletes(receipt_handles: &[&str]) -> Vec<DeleteMessageBatchRequestEntry> {
    let entries = receipt_handles.iter().enumerate().map(|(id, handle)| {
        DeleteMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .receipt_handle(*handle)
            .build()
            .expect("a complete entry")
    });
    entries.collect()
}

/// Account and name in `arn:aws:sqs:REGION:ACCOUNT:NAME`.
fn account_and_name(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':').skip(2);
    let service = parts.next()?;
    let account = parts.nth(1)?;
    let name = parts.next()?;
    (service == "sqs" && !account.is_empty() && !name.is_empty()).then_some((account, name))
}

/// Whether a queue's URL and an ARN end with the same name.
fn is_named_alike(url: &str, arn: &str) -> bool {
    let name = account_and_name(arn).map(|(_, name)| name);
    url.rsplit_once('/').map(|(_, name)| name) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_and_an_arn_may_name_one_queue() {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:urgent";
        for (url, expected) in [
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/urgent",
                true,
            ),
            ("http://127.0.0.1:5101/000000000000/urgent", true),
            ("http://127.0.0.1:5101/000000000000/not-urgent", false),
            ("http://127.0.0.1:5101/urgent/deliveries", false),
            ("urgent", false),
        ] {
            assert_eq!(is_named_alike(url, arn), expected, "{url}");
        }
    }

    #[test]
    fn an_arn_names_the_account_and_the_queue() {
        assert_eq!(
            account_and_name("arn:aws:sqs:eu-west-1:123456789012:deliveries"),
            Some(("123456789012", "deliveries"))
        );
        for bad in ["", "arn:aws:sns:a:b:c", "arn:aws:sqs:a", "arn:aws:sqs:a::b"] {
            assert_eq!(account_and_name(bad), None, "{bad}");
        }
    }
}
