//! What the function answers.

use aws_lambda_events::sqs::SqsBatchResponse;
use serde::{Serialize, Serializer};

use crate::summary::Summary;

/// What the function answers: its summary, or which messages of SQS failed.
#[derive(Debug)]
pub struct Answer {
    /// What was done.
    pub summary: Summary,
    /// Where the files of an event came from SQS: the messages that must come again. The function's
    /// answer is then this alone, as `ReportBatchItemFailures` wants it.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
    pub batch: Option<SqsBatchResponse>,
}

impl Answer {
    /// The answer to an event that is not a batch of files.
    pub(crate) fn of(summary: Summary) -> Self {
        let batch = None;
        Self { summary, batch }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.batch {
            Some(batch) => batch.serialize(serializer),
            None => self.summary.serialize(serializer),
        }
    }
}
