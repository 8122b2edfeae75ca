//! Writes and reads what the control object said before.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;

use super::{Expect, ReadObjectError, Store, StoreError};
use crate::control::{PastControl, PastPace, RunControl, decode_past};
use crate::keys::{RunKeys, past_pace_key};

/// So many objects are read at the same time.
const READS: usize = 8;
/// Where the paces of the stack lie.
const PACES: &str = "control/pace/";

/// What control said about a run before, the oldest first. What it says now stands in the control
/// object.
pub async fn read_history(
    store: &Store,
    keys: &RunKeys,
) -> Result<Vec<RunControl>, ReadObjectError> {
    read_all(store, &keys.history()).await
}

/// The paces that were set before, the oldest first.
pub async fn read_past_paces(store: &Store) -> Result<Vec<PastPace>, ReadObjectError> {
    read_all(store, PACES).await
}

async fn read_all<T: DeserializeOwned>(
    store: &Store,
    prefix: &str,
) -> Result<Vec<T>, ReadObjectError> {
    let objects = store.list(prefix).await?;
    let objects = stream::iter(objects).map(async |object| store.get(&object.key).await);
    let mut objects = objects.buffered(READS);
    let mut all = Vec::new();
    while let Some(object) = objects.try_next().await? {
        if let Some(object) = object {
            all.push(decode_past(&object.bytes)?);
        }
    }
    Ok(all)
}

/// The key of an object of the history. The same content has the same key.
pub(super) fn key(past: &PastControl) -> String {
    let (since, content) = (past.since(), past.encode());
    match past {
        PastControl::Run(run, _) => RunKeys::new(run).past(since, &content),
        PastControl::Pace(_) => past_pace_key(since, &content),
    }
}

/// Writes an object of the history, where it is not there yet. Whoever may not write it edits all
/// the same: a pause must not wait for a right. Then only the bucket's versions know.
pub(super) async fn put(store: &Store, key: &str, past: &PastControl) -> Result<(), StoreError> {
    match store.put(key, past.encode(), &Expect::Absent).await {
        Ok(_) | Err(StoreError::Conflict(_) | StoreError::Denied { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
