//! The queue that is polled: its ARN, receives and deletes.

use std::error::Error;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::delete_message_batch::DeleteMessageBatchOutput;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use fanline_core::limits::sqs::{self, MAX_ENTRIES};
use fanline_telemetry::aws_error::words;

/// A receive waits at most 20 seconds for a message.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

/// Why a poller does not start.
#[derive(Debug, thiserror::Error)]
pub enum PollerError {
    /// The queue does not exist, can't be reached or does not say what it is.
    #[error("the queue at `{url}` can't be polled")]
    Queue {
        /// The queue's URL.
        url: String,
        /// What the service says, why no answer came, or what is wrong with the queue's ARN.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The queue that is polled.
#[derive(Debug)]
pub(crate) struct PolledQueue {
    client: Client,
    url: String,
    pub(crate) arn: QueueArn,
}

/// A queue's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueArn {
    pub(crate) text: String,
    pub(crate) region: String,
    pub(crate) is_fifo: bool,
}

/// What became of the messages of one delete request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteResult<'a> {
    /// How many messages are gone.
    pub(crate) deleted: usize,
    /// How many messages the queue will not delete with these receipt handles.
    pub(crate) refused: usize,
    /// The receipt handles to try again.
    pub(crate) retry: Vec<&'a str>,
}

/// The ARN of the queue at `url`, as SQS says it.
pub async fn queue_arn(client: Client, url: &str) -> Result<String, PollerError> {
    Ok(PolledQueue::open(client, url).await?.arn.text)
}

impl PolledQueue {
    /// The queue at `url`. Asks it for its ARN.
    pub(crate) async fn open(client: Client, url: &str) -> Result<Self, PollerError> {
        let error = |source| PollerError::Queue {
            url: url.to_owned(),
            source,
        };
        let answer = client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(|refused| error(words(&refused).into()))?;
        let arn = answer
            .attributes
            .as_ref()
            .and_then(|attributes| attributes.get(&QueueAttributeName::QueueArn))
            .ok_or_else(|| error("the answer has no `QueueArn`".into()))?;
        let arn = QueueArn::parse(arn)
            .ok_or_else(|| error(format!("`{arn}` is not the ARN of an SQS queue").into()))?;
        Ok(Self {
            client,
            url: url.to_owned(),
            arn,
        })
    }

    /// Receives up to `wanted` messages, but at most ten. Waits up to `wait` for the first, but at
    /// most [`MAX_WAIT`].
    ///
    /// The error is in words. The client has retried already.
    pub(crate) async fn receive(
        &self,
        wanted: usize,
        wait: Duration,
    ) -> Result<Vec<Message>, String> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(saturated(wanted.clamp(1, MAX_ENTRIES)))
            .wait_time_seconds(saturated(wait.min(MAX_WAIT).as_millis().div_ceil(1_000)))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| words(&error))?;
        // SQS leaves the list out if there is no message.
        Ok(received.messages.unwrap_or_default())
    }

    /// Deletes up to ten messages by their receipt handles, with one request.
    ///
    /// The error is in words. The client has retried already.
    pub(crate) async fn delete<'a>(&self, handles: &[&'a str]) -> Result<DeleteResult<'a>, String> {
        let entries: Vec<DeleteMessageBatchRequestEntry> = handles
            .iter()
            .enumerate()
            .map(|(number, handle)| entry(number, handle))
            .collect();
        let answer = self
            .client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| words(&error))?;
        Ok(DeleteResult::read(handles, &answer))
    }
}

impl QueueArn {
    /// Reads `arn:PARTITION:sqs:REGION:ACCOUNT:NAME`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", _, "sqs", region, _, name] = parts.as_slice() else {
            return None;
        };
        if region.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            region: (*region).to_owned(),
            is_fifo: sqs::is_fifo(name),
        })
    }
}

impl<'a> DeleteResult<'a> {
    /// Reads the answer to a delete of `handles`, whose entries have their numbers as ids.
    ///
    /// A message that the answer says nothing about is tried again. To delete twice does no harm.
    fn read(handles: &[&'a str], answer: &DeleteMessageBatchOutput) -> Self {
        let mut result = Self::default();
        for (number, handle) in handles.iter().enumerate() {
            let id = number.to_string();
            let failed = answer.failed.iter().find(|failed| failed.id == id);
            if answer.successful.iter().any(|done| done.id == id) {
                result.deleted += 1;
            } else if failed.is_some_and(|failed| failed.sender_fault) {
                // For example the expired receipt handle of a FIFO queue: it would fail again.
                result.refused += 1;
            } else {
                result.retry.push(handle);
            }
        }
        result
    }
}

#[expect(clippy::expect_used, reason = "its proof stands beside it")]
fn entry(number: usize, handle: &str) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntry::builder()
        .id(number.to_string())
        .receipt_handle(handle)
        .build()
        .expect("id and receipt handle are set")
}

/// The number in the SDK's type, which is the largest one for a number that is too large.
fn saturated(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{BatchResultErrorEntry, DeleteMessageBatchResultEntry};

    use super::*;

    #[test]
    fn an_arn_says_its_region_and_whether_the_queue_is_fifo() {
        let standard = QueueArn::parse("arn:aws:sqs:ap-northeast-1:123456789012:mail").unwrap();
        assert_eq!(standard.region, "ap-northeast-1");
        assert!(!standard.is_fifo);
        let fifo = QueueArn::parse("arn:aws-cn:sqs:cn-north-1:123456789012:mail.fifo").unwrap();
        assert_eq!(fifo.region, "cn-north-1");
        assert!(fifo.is_fifo);
        for bad in [
            "",
            "mail",
            "arn:aws:sqs",
            "arn:aws:sqs::123456789012:mail",
            "arn:aws:sqs:us-east-1:123456789012:",
            "arn:aws:sns:us-east-1:123456789012:mail",
            "arn:aws:sqs:us-east-1:123456789012:mail:more",
        ] {
            assert_eq!(QueueArn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_message_that_is_not_deleted_is_tried_again_unless_the_queue_refuses() {
        let done = |id: &str| {
            DeleteMessageBatchResultEntry::builder()
                .id(id)
                .build()
                .unwrap()
        };
        let failed = |id: &str, sender_fault| {
            BatchResultErrorEntry::builder()
                .id(id)
                .code("code")
                .sender_fault(sender_fault)
                .build()
                .unwrap()
        };
        let answer = DeleteMessageBatchOutput::builder()
            .successful(done("0"))
            .failed(failed("1", false))
            .failed(failed("2", true))
            .build()
            .unwrap();
        assert_eq!(
            DeleteResult::read(&["a", "b", "c", "d"], &answer),
            DeleteResult {
                deleted: 1,
                refused: 1,
                retry: vec!["b", "d"],
            }
        );
    }
}
