//! Reads what is known of a run.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Store, StoreError};
use crate::at::SliceId;
use crate::book::{BookError, HEAD_BYTES, Tally, read_tally};
use crate::json_object::ObjectError;
use crate::keys::RunKeys;
use crate::run::{RunSum, SliceCounts, SliceLines};

/// So many objects are read at the same time.
const READS: usize = 16;

/// Why it is not known how far a run is.
#[derive(Debug, thiserror::Error)]
pub enum ReadSumError {
    /// The head of a book can't be read.
    #[error("`{key}` can't be read")]
    Book {
        /// The book.
        key: String,
        /// What is wrong with it.
        #[source]
        source: BookError,
    },
    /// The list of slices or the counts of a slice can't be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads what is known of a run: its slices, their counts, and the heads of all books.
///
/// The books come first. A book is never older than its slice's counts, so none is read without
/// them.
pub async fn read_sum(store: &Store, keys: &RunKeys) -> Result<RunSum, ReadSumError> {
    let (tallies, loose) = read_tallies(store, keys).await?;
    let lines = store.get(&keys.slices()).await?;
    let lines = lines.map(|lines| SliceLines::decode(&lines.bytes));
    Ok(RunSum {
        lines: lines.transpose()?.unwrap_or_default(),
        counts: read_counts(store, keys).await?,
        tallies,
        loose,
    })
}

/// Reads the heads of a run's books: the tally of each slice, and that of the loose deliveries.
pub async fn read_tallies(
    store: &Store,
    keys: &RunKeys,
) -> Result<(BTreeMap<SliceId, Tally>, Tally), ReadSumError> {
    let books = store.list(&keys.books()).await?;
    let books = books.into_iter().map(|book| book.key).collect();
    let heads = read_heads(store, books).await?;
    let (mut tallies, mut loose) = (BTreeMap::new(), Tally::default());
    for (key, tally) in heads {
        if key == keys.loose_book() {
            loose = tally;
        } else if let Some(slice) = keys.slice_of(&key) {
            tallies.insert(slice, tally);
        }
    }
    Ok((tallies, loose))
}

/// Reads the heads of the books of these slices, without a listing. A slice without a book is left
/// out.
pub async fn read_tallies_of(
    store: &Store,
    keys: &RunKeys,
    slices: &[SliceId],
) -> Result<BTreeMap<SliceId, Tally>, ReadSumError> {
    let books = slices.iter().map(|slice| keys.book(*slice)).collect();
    let heads = read_heads(store, books).await?.into_iter();
    let tallies = heads.filter_map(|(key, tally)| Some((keys.slice_of(&key)?, tally)));
    Ok(tallies.collect())
}

/// The counts of these books; those that are not there are left out.
async fn read_heads(
    store: &Store,
    books: Vec<String>,
) -> Result<Vec<(String, Tally)>, ReadSumError> {
    let heads: Vec<_> = books
        .into_iter()
        .map(async |key| {
            let head = store.get_head(&key, HEAD_BYTES).await?;
            Ok::<_, StoreError>((key, head))
        })
        .collect();
    let heads: Vec<_> = stream::iter(heads).buffered(READS).try_collect().await?;
    let heads = heads.into_iter();
    let heads = heads.filter_map(|(key, head)| Some((key, head?)));
    heads
        .map(|(key, head)| match read_tally(&head) {
            Ok(tally) => Ok((key, tally)),
            Err(source) => Err(ReadSumError::Book { key, source }),
        })
        .collect()
}

async fn read_counts(
    store: &Store,
    keys: &RunKeys,
) -> Result<BTreeMap<SliceId, SliceCounts>, ReadSumError> {
    let listed = store.list(&keys.all_counts()).await?;
    let objects = stream::iter(listed).map(async |object| store.get(&object.key).await);
    let objects: Vec<_> = objects.buffered(READS).try_collect().await?;
    let mut all = BTreeMap::new();
    for object in objects.into_iter().flatten() {
        let counts = SliceCounts::decode(&object.bytes)?;
        all.insert(counts.slice, counts);
    }
    Ok(all)
}
