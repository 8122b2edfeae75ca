//! Many requests at once, never more than so many.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::progress::Progress;
use crate::publish::batch_result::Receipt;
use crate::publish::pack::{Entry, RowNumber};
use crate::publish::queue::{Queue, QueueError};
use crate::publish::sqs_entry::Postmark;
use crate::settings::Settings;

/// Sends the requests of one slice, each in a task of its own.
pub(crate) struct Sender {
    queue: Queue,
    mark: Arc<Postmark>,
    in_flight: usize,
    progress: Arc<Progress>,
    tasks: JoinSet<Result<Receipt, Failed>>,
    /// The number of the next delivery within its slice.
    next: u64,
    sent: Sent,
    failed: Option<Failed>,
}

/// What has been sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) requests: u64,
    pub(crate) deliveries: u64,
    pub(crate) slices: u64,
    pub(crate) recipients: u64,
    /// Deliveries that the queue will never take, and why.
    pub(crate) refused: Vec<(Entry, String)>,
    pub(crate) refused_rows: u64,
}

impl Sent {
    /// All deliveries that are done with.
    pub(crate) fn all(&self) -> u64 {
        self.deliveries + self.refused.len() as u64
    }
}

/// The first request that could not be sent.
#[derive(Debug)]
pub(crate) struct Failed {
    /// How many deliveries of the slice come before it: all that can be left out another time.
    pub(crate) before: u64,
    /// The row with which it begins.
    pub(crate) row: Option<RowNumber>,
    pub(crate) error: QueueError,
}

impl Sender {
    /// A sender to this queue.
    pub(crate) fn new(
        queue: Queue,
        mark: Postmark,
        settings: &Settings,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            queue,
            mark: Arc::new(mark),
            in_flight: settings.sends_in_flight,
            progress,
            tasks: JoinSet::new(),
            next: 0,
            sent: Sent::default(),
            failed: None,
        }
    }

    /// The same for deliveries the first of which has this number within its slice.
    pub(crate) fn starting_at(mut self, number: u64) -> Self {
        self.next = number;
        self
    }

    /// Starts one request as soon as there is room for it. `false` says that an earlier one failed: there is no use in more.
    pub(crate) async fn send(&mut self, entries: Vec<Entry>) -> bool {
        while self.tasks.len() >= self.in_flight && self.settle().await {}
        let before = self.next;
        self.next += entries.len() as u64;
        let row = entries
            .first()
            .and_then(|entry| entry.rows().first())
            .copied();
        let (queue, mark) = (self.queue.clone(), Arc::clone(&self.mark));
        self.tasks.spawn(async move {
            let send = AssertUnwindSafe(queue.send(entries, &mark)).catch_unwind();
            let sent = send.await.unwrap_or_else(|_panic| {
                Err(QueueError::Panicked {
                    queue: queue.name(),
                })
            });
            sent.map_err(|error| Failed { before, row, error })
        });
        self.failed.is_none()
    }

    /// Waits until no request is in flight. Everything sent is counted, whatever failed beside it.
    pub(crate) async fn finish(mut self) -> (Sent, Option<Failed>) {
        while self.settle().await {}
        (self.sent, self.failed)
    }

    /// Rows whose delivery the queue refused for good.
    pub(crate) fn refused_rows(&self) -> u64 {
        self.sent.refused_rows
    }

    /// Waits for one request to end; `false` when there is none.
    async fn settle(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next().await else {
            return false;
        };
        #[expect(
            clippy::expect_used,
            reason = "the task catches its panic, and nobody aborts it while the sender lives"
        )]
        match ended.expect("a request's task ends by itself") {
            Ok(receipt) => {
                self.progress
                    .add_published(receipt.recipients, receipt.deliveries);
                self.sent.requests += receipt.requests;
                self.sent.deliveries += receipt.deliveries;
                self.sent.slices += receipt.slices;
                self.sent.recipients += receipt.recipients;
                self.sent.refused_rows += receipt
                    .refused
                    .iter()
                    .map(|(entry, _)| entry.rows().len() as u64)
                    .sum::<u64>();
                self.sent.refused.extend(receipt.refused);
            }
            Err(failed) => {
                if self
                    .failed
                    .as_ref()
                    .is_none_or(|first| failed.before < first.before)
                {
                    self.failed = Some(failed);
                }
            }
        }
        true
    }
}
