//! Merges outcomes into the books of the store.

use super::{Store, StoreError, UpdateError};
use crate::at::SliceId;
use crate::book::{Book, BookError, LooseBook, Merged, Tally};
use crate::json_object::ObjectError;
use crate::keys::RunKeys;
use crate::outcomes::DeliveryOutcome;
use crate::run::SliceCounts;

/// What a merge came to.
#[derive(Debug)]
pub struct MergedBook<'a> {
    /// The counts of the book as it is now.
    pub tally: Tally,
    /// The outcomes that are not of this slice. Merge them into the book of loose deliveries.
    pub misfits: Vec<&'a DeliveryOutcome>,
    /// How often it was tried: 1 where no other bookkeeper was met.
    pub tries: u32,
}

/// Why outcomes were not merged. The batch may come again: a merge twice is as good as once.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The object is no book.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The slice's counts can't be read.
    #[error(transparent)]
    Counts(#[from] ObjectError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Merges outcomes into the book of a slice, again into its newest content where another bookkeeper
/// was faster.
///
/// A slice without counts has no book: the producer writes them before it publishes anything. Its
/// outcomes are all misfits then.
pub async fn merge_slice<'a>(
    store: &Store,
    keys: &RunKeys,
    slice: SliceId,
    outcomes: &[&'a DeliveryOutcome],
) -> Result<MergedBook<'a>, UpdateError<MergeError>> {
    // The first merge of a slice needs its counts. All others find the book and save a read.
    match merge_into(store, keys, slice, outcomes, None).await {
        Err(UpdateError::Edit(NoMerge::NoBook)) => {}
        merged => return merged.map_err(not_without_book),
    }
    match recipients(store, keys, slice).await? {
        Some(recipients) => merge_into(store, keys, slice, outcomes, Some(recipients))
            .await
            .map_err(not_without_book),
        None => Ok(MergedBook {
            tally: Tally::default(),
            misfits: outcomes.to_vec(),
            tries: 1,
        }),
    }
}

/// Why one merge did not happen.
#[derive(Debug, thiserror::Error)]
enum NoMerge {
    #[error("there is no book, and nobody said how many recipients it has")]
    NoBook,
    #[error(transparent)]
    Error(#[from] MergeError),
}

fn not_without_book(error: UpdateError<NoMerge>) -> UpdateError<MergeError> {
    match error {
        UpdateError::Edit(NoMerge::Error(error)) => UpdateError::Edit(error),
        // The book was deleted between two tries: the batch comes again.
        UpdateError::Edit(NoMerge::NoBook) => {
            UpdateError::Edit(BookError::Damaged("it was deleted").into())
        }
        UpdateError::Store(error) => UpdateError::Store(error),
        UpdateError::Contended(key) => UpdateError::Contended(key),
    }
}

/// Merges into the slice's book, or into a new one for so many recipients.
async fn merge_into<'a>(
    store: &Store,
    keys: &RunKeys,
    slice: SliceId,
    outcomes: &[&'a DeliveryOutcome],
    recipients: Option<u64>,
) -> Result<MergedBook<'a>, UpdateError<NoMerge>> {
    let mut merged = (Tally::default(), Vec::new());
    let merge = |object: Option<&[u8]>| {
        let mut book = match (object, recipients) {
            (Some(object), _) => Book::decode(object).map_err(MergeError::Book)?,
            (None, Some(recipients)) => Book::new(slice, recipients),
            (None, None) => return Err(NoMerge::NoBook),
        };
        let mut changed = false;
        let mut misfits = Vec::new();
        for outcome in outcomes {
            match book.merge(outcome) {
                Merged::Changed => changed = true,
                Merged::Known => {}
                Merged::Misfit => misfits.push(*outcome),
            }
        }
        merged = (book.tally(), misfits);
        Ok(changed.then(|| book.encode()))
    };
    let updated = store.update(&keys.book(slice), merge).await?;
    let (tally, misfits) = merged;
    Ok(MergedBook {
        tally,
        misfits,
        tries: updated.tries,
    })
}

/// Merges outcomes into the book of loose deliveries, as [`merge_slice`] does. Every outcome fits.
pub async fn merge_loose(
    store: &Store,
    keys: &RunKeys,
    outcomes: &[&DeliveryOutcome],
) -> Result<Tally, UpdateError<MergeError>> {
    let mut tally = Tally::default();
    let merge = |object: Option<&[u8]>| {
        let book = object.map(LooseBook::decode).transpose()?;
        let mut book = book.unwrap_or_default();
        let mut changed = false;
        for outcome in outcomes {
            changed |= book.merge(outcome) == Merged::Changed;
        }
        tally = book.tally();
        Ok::<_, MergeError>(changed.then(|| book.encode()))
    };
    store.update(&keys.loose_book(), merge).await?;
    Ok(tally)
}

/// The recipients of a slice, as its counts say; `None` where it has no counts.
async fn recipients(
    store: &Store,
    keys: &RunKeys,
    slice: SliceId,
) -> Result<Option<u64>, UpdateError<MergeError>> {
    let counts = store.get(&keys.counts(slice)).await?;
    let counts = counts.map(|counts| SliceCounts::decode(&counts.bytes));
    let counts = counts.transpose();
    let counts = counts.map_err(|error| UpdateError::Edit(error.into()))?;
    Ok(counts.map(|counts| counts.recipients))
}
