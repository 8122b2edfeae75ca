//! What SQS takes, in one place.

use jiff::SignedDuration;

/// SQS takes at most ten entries a batch request: sends, deletes and changes of visibility alike.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
pub const MAX_ENTRIES: usize = 10;

/// SQS takes at most 1 MiB in one message with its attributes, and in all entries of a request together.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MAX_BYTES: usize = 1_048_576;

/// A message can be delayed for 900 seconds at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub const MAX_DELAY: SignedDuration = SignedDuration::from_secs(MAX_DELAY_SECONDS as i64);

/// [`MAX_DELAY`] in the unit of the API.
pub const MAX_DELAY_SECONDS: u16 = 900;

/// A message can be hidden for 12 hours at most, counted from its receive.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
pub const MAX_VISIBILITY: SignedDuration = SignedDuration::from_hours(12);

/// Whether a queue with this name, ARN or URL is a FIFO queue.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
pub fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}
