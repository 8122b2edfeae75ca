//! What SQS takes, in one place.

use jiff::SignedDuration;

/// SQS takes at most ten entries in a batch request: sends, deletes and changes of visibility.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
pub const MAX_ENTRIES: usize = 10;

/// SQS takes at most 1 MiB in a message with its attributes, and in all entries of a request
/// together.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MAX_BYTES: usize = 1_048_576;

/// SQS delays a message by at most 900 seconds.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub const MAX_DELAY_SECONDS: u16 = 900;

/// [`MAX_DELAY_SECONDS`] as a duration.
pub(crate) const MAX_DELAY: SignedDuration = SignedDuration::from_secs(MAX_DELAY_SECONDS as i64);

/// SQS hides a message for at most 12 hours, counted from its receive.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
pub const MAX_VISIBILITY: SignedDuration = SignedDuration::from_hours(12);

/// Whether the queue with this name, ARN or URL is a FIFO queue.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
pub fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}
