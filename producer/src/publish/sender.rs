//! Many requests at the same time, up to a limit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::list::rows::RowNumber;
use crate::progress::Progress;
use crate::publish::batch_result::{BatchResult, RefusedEntry};
use crate::publish::pack::Entry;
use crate::publish::queue::{Queue, QueueError};
use crate::publish::sqs_entry::EntryWriter;

/// Sends the requests of one slice, each in a task of its own.
pub(crate) struct Sender {
    queue: Queue,
    writer: Arc<EntryWriter>,
    max_in_flight: usize,
    progress: Arc<Progress>,
    in_flight: JoinSet<Result<BatchResult, FailedRequest>>,
    totals: SendTotals,
    failed: Option<FailedRequest>,
}

/// What has been sent.
#[derive(Debug, Default)]
pub(crate) struct SendTotals {
    pub(crate) requests: u64,
    pub(crate) deliveries: u64,
    pub(crate) slices: u64,
    pub(crate) recipients: u64,
    /// Entries that the queue will never take.
    pub(crate) refused: Vec<RefusedEntry>,
    /// The rows of these entries.
    pub(crate) refused_rows: u64,
}

impl SendTotals {
    fn add(&mut self, result: BatchResult) {
        self.requests += result.requests;
        self.deliveries += result.deliveries;
        self.slices += result.slices;
        self.recipients += result.recipients;
        for refused in &result.refused {
            self.refused_rows += refused.entry.rows().len() as u64;
        }
        self.refused.extend(result.refused);
    }
}

/// A request that could not be sent.
#[derive(Debug)]
pub(crate) struct FailedRequest {
    /// How many deliveries of the slice come before the request.
    pub(crate) before: u64,
    /// The first row of the request. Slices have none.
    pub(crate) row: Option<RowNumber>,
    pub(crate) error: QueueError,
}

impl Sender {
    /// A sender to this queue, with at most so many requests at the same time.
    pub(crate) fn new(
        queue: Queue,
        writer: EntryWriter,
        max_in_flight: usize,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            queue,
            writer: Arc::new(writer),
            max_in_flight,
            progress,
            in_flight: JoinSet::new(),
            totals: SendTotals::default(),
            failed: None,
        }
    }

    /// Starts one request as soon as there is room for it. Returns `false` when an earlier request
    /// has failed: more requests are of no use then.
    pub(crate) async fn send(&mut self, entries: Vec<Entry>) -> bool {
        while self.in_flight.len() >= self.max_in_flight && self.finish_one().await {}
        let number = entries.first().and_then(Entry::number);
        let before = number.map_or(0, u64::from);
        let row = entries
            .first()
            .and_then(|entry| entry.rows().first())
            .copied();
        let (queue, writer) = (self.queue.clone(), Arc::clone(&self.writer));
        self.in_flight.spawn(async move {
            let send = AssertUnwindSafe(queue.send(entries, &writer)).catch_unwind();
            let result = send.await.unwrap_or_else(|_panic| {
                Err(QueueError::Panicked {
                    queue: queue.name().to_owned(),
                })
            });
            result.map_err(|error| FailedRequest { before, row, error })
        });
        self.failed.is_none()
    }

    /// Waits until no request is in flight. Returns everything that was sent, and the first request
    /// of the slice that failed.
    pub(crate) async fn finish(mut self) -> (SendTotals, Option<FailedRequest>) {
        while self.finish_one().await {}
        (self.totals, self.failed)
    }

    /// Rows of deliveries that the queue has refused for good.
    pub(crate) fn refused_rows(&self) -> u64 {
        self.totals.refused_rows
    }

    /// Waits until one request ends. Returns `false` when none is in flight.
    async fn finish_one(&mut self) -> bool {
        let Some(ended) = self.in_flight.join_next().await else {
            return false;
        };
        #[expect(
            clippy::expect_used,
            reason = "the task catches its panic, and nobody aborts it while the sender lives"
        )]
        match ended.expect("a request's task ends by itself") {
            Ok(result) => {
                self.progress
                    .add_published(result.recipients, result.deliveries);
                self.totals.add(result);
            }
            Err(failed) => {
                let is_first = self
                    .failed
                    .as_ref()
                    .is_none_or(|first| failed.before < first.before);
                if is_first {
                    self.failed = Some(failed);
                }
            }
        }
        true
    }
}
