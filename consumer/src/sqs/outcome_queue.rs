//! The outcome queue: what became of deliveries, for the ledger.

use fanline_telemetry::aws_error;

/// The outcome queue did not take an outcome message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OutcomeQueueError(String);

/// The outcome queue.
pub(crate) struct OutcomeQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl OutcomeQueue {
    /// The queue at `url`.
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends the bodies of an outcome message: almost always one. What was sent before an error is
    /// on the queue. It may be sent again: the ledger counts nothing twice.
    pub(crate) async fn send(&self, bodies: Vec<String>) -> Result<(), OutcomeQueueError> {
        for body in bodies {
            let request = self.sqs.send_message().queue_url(&self.url);
            let sent = request.message_body(body).send().await;
            sent.map_err(|error| OutcomeQueueError(aws_error::words(&error)))?;
        }
        Ok(())
    }
}
