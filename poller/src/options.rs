//! How a poller polls and calls its function.

use std::fmt;
use std::sync::Arc;
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
    /// Whether messages may be received now.
    pub gate: Gate,
}

/// Asked before each receive: `false` keeps the poller from it for a while. The default is open.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Gate {
    /// A gate that is open while `is_open` says so.
    pub fn from_fn(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_open)))
    }

    /// Whether messages may be received now.
    pub(crate) fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|is_open| is_open())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.is_open()).finish()
    }
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
            gate: Gate::default(),
        }
    }
}
