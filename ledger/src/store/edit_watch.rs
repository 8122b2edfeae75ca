//! Reads and changes what the bookkeeper remembers of a run.

use super::{Store, StoreError, UpdateError};
use crate::json_object::ObjectError;
use crate::keys::RunKeys;
use crate::watch::RunWatch;

/// Why a small object of the ledger was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadObjectError {
    /// The object has something in it that can't be.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads what the bookkeeper remembers of a run: nothing, where there is no object.
pub async fn read_watch(store: &Store, keys: &RunKeys) -> Result<RunWatch, ReadObjectError> {
    Ok(match store.get(&keys.watch()).await? {
        Some(object) => RunWatch::decode(&object.bytes)?,
        None => RunWatch::default(),
    })
}

/// Changes what the bookkeeper remembers of a run, again on the newest content where another one
/// was faster, and gives it as it is now. A change that changes nothing writes nothing.
pub async fn edit_watch(
    store: &Store,
    keys: &RunKeys,
    mut edit: impl FnMut(&mut RunWatch),
) -> Result<RunWatch, UpdateError<ObjectError>> {
    let mut edited = RunWatch::default();
    let decode_and_edit = |json: Option<&[u8]>| {
        let before = json.map(RunWatch::decode).transpose()?.unwrap_or_default();
        edited = before.clone();
        edit(&mut edited);
        Ok((edited != before).then(|| edited.encode()))
    };
    store.update(&keys.watch(), decode_and_edit).await?;
    Ok(edited)
}
