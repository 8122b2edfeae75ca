//! How a poller polls and calls its function.

use std::time::Duration;

use fanline_core::limits::sqs::MAX_ENTRIES;
use fanline_core::surroundings::Random;

/// How a poller polls and calls its function.
#[derive(Clone, Debug)]
pub struct PollerOptions {
    /// The queue to poll.
    pub queue_url: String,
    /// The most messages in one call. 0 counts as 1.
    pub batch_size: usize,
    /// How long a batch that is not full waits for more messages. It can end up to a second later,
    /// because SQS counts in whole seconds.
    pub window: Duration,
    /// The most calls at the same time. 0 counts as 1.
    pub concurrency: usize,
    /// Whether to begin with five calls at the same time and to add more as Lambda does. Otherwise
    /// all begin at once.
    pub ramp: bool,
    /// `ReportBatchItemFailures`: whether the function's answer is read. If not, only an error
    /// fails a batch.
    pub report_failures: bool,
    /// How long one call may take. After that time it is stopped in the middle. `None`: the
    /// function keeps a limit of its own.
    pub timeout: Option<Duration>,
    /// Spreads the waits after failed requests.
    pub random: Random,
}

impl PollerOptions {
    /// Lambda's defaults for this queue, with `ReportBatchItemFailures` and without the ramp.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html>
    pub fn new(queue_url: impl Into<String>) -> Self {
        Self {
            queue_url: queue_url.into(),
            batch_size: MAX_ENTRIES,
            window: Duration::ZERO,
            concurrency: 5,
            ramp: false,
            report_failures: true,
            timeout: None,
            random: Random::default(),
        }
    }
}
