//! The parked queue: deliveries of paused runs, so that the others go on.

use aws_sdk_sqs::types::MessageAttributeValue;
use fanline_telemetry::aws_error;

/// The parked queue did not take a delivery. Its record must come again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ParkedQueueError(String);

/// The parked queue.
pub(crate) struct ParkedQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl ParkedQueue {
    /// The queue at `url`.
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Parks a delivery of this run, at least once. The attribute `run` says whose it is.
    pub(crate) async fn send(&self, run: &str, body: &str) -> Result<(), ParkedQueueError> {
        let request = self.sqs.send_message().queue_url(&self.url);
        let request = request
            .message_body(body)
            .message_attributes("run", text(run));
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|error| ParkedQueueError(aws_error::words(&error)))
    }
}

#[expect(
    clippy::expect_used,
    reason = "the type, all that the builder needs, is set"
)]
fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .expect("a complete attribute")
}
