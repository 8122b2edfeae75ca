//! Messages of outcomes into pages and books.

use std::collections::{BTreeMap, BTreeSet};

use fanline_ledger::{
    DeliveryOutcome, Expect, OutcomeMessage, Page, RunKeys, RunOutcomes, SliceId, Standing, Store,
    Tally, merge_loose, merge_slice,
};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;

pub(crate) mod brake;
pub(crate) mod latency;

/// So many books of a run are merged at the same time. Each is in memory meanwhile.
const BOOKS: usize = 4;

/// What the merge of one run's outcomes came to.
#[derive(Debug, Default)]
pub(crate) struct MergedRun {
    /// The counts of each slice's book that was merged into.
    pub(crate) tallies: BTreeMap<SliceId, Tally>,
    /// How often another bookkeeper was faster.
    pub(crate) conflicts: u32,
    not_written: NotWritten,
}

/// What of a run's outcomes is not in the ledger. The messages with it have to come again.
#[derive(Debug, Default)]
struct NotWritten {
    page: bool,
    slices: BTreeSet<SliceId>,
    /// The book of loose deliveries, and the slices whose misfits belong into it.
    loose: Option<BTreeSet<SliceId>>,
}

impl MergedRun {
    /// Whether all outcomes of this message are in the ledger. Else it has to come again: merged
    /// twice is as good as once.
    pub(crate) fn has(&self, message: &OutcomeMessage) -> bool {
        let not_written = &self.not_written;
        let is_written = |outcome: &DeliveryOutcome| match &outcome.standing {
            Standing::Loose(_) => not_written.loose.is_none(),
            Standing::At(at) => {
                let slice = at.slice();
                let misfits = not_written.loose.as_ref();
                !not_written.slices.contains(&slice)
                    && misfits.is_none_or(|slices| !slices.contains(&slice))
            }
        };
        !not_written.page && message.outcomes.iter().all(is_written)
    }
}

/// Writes the outcomes of one run into the ledger: the page first, then the book of each slice,
/// then the book of loose deliveries. It may die anywhere and run again.
pub(crate) async fn merge_run(
    store: &Store,
    run: &str,
    outcomes: RunOutcomes<'_>,
    now: Timestamp,
) -> MergedRun {
    let keys = &RunKeys::new(run);
    let mut merged = MergedRun::default();
    let page = Page::pack(outcomes.messages);
    let put = store.put(&keys.page(now, &page), page, &Expect::Any).await;
    if let Err(error) = put {
        // Without the page nobody could be told the request ids, so the books wait for it.
        tracing::error!(run, %error, "page not written");
        merged.not_written.page = true;
        return merged;
    }
    // Futures, made before they become a stream: the compiler can't see through a stream's closure
    // whose argument is borrowed.
    let books: Vec<_> = outcomes.slices.into_iter().collect();
    let books = books.iter().map(async |(slice, outcomes)| {
        let merged = merge_slice(store, keys, *slice, outcomes).await;
        (*slice, merged)
    });
    let books: Vec<_> = books.collect();
    let mut books = stream::iter(books).buffer_unordered(BOOKS);
    let mut loose = outcomes.loose;
    let mut with_misfits = BTreeSet::new();
    while let Some((slice, book)) = books.next().await {
        match book {
            Ok(book) => {
                merged.conflicts += book.tries - 1;
                merged.tallies.insert(slice, book.tally);
                if !book.misfits.is_empty() {
                    with_misfits.insert(slice);
                    loose.extend(book.misfits);
                }
            }
            Err(error) => {
                tracing::error!(run, %slice, %error, "book not merged");
                merged.not_written.slices.insert(slice);
            }
        }
    }
    if !loose.is_empty()
        && let Err(error) = merge_loose(store, keys, &loose).await
    {
        tracing::error!(run, %error, "book of loose deliveries not merged");
        merged.not_written.loose = Some(with_misfits);
    }
    merged
}
