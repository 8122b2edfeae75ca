//! Reads and writes the notes of a run's redrives.

use super::{ReadObjectError, Store, UpdateError};
use crate::json_object::ObjectError;
use crate::keys::RunKeys;
use crate::run::{Redrive, Redrives};

/// Reads the notes of a run's redrives: none, where there is no object.
pub async fn read_redrives(store: &Store, keys: &RunKeys) -> Result<Redrives, ReadObjectError> {
    Ok(match store.get(&keys.redrives()).await? {
        Some(object) => Redrives::decode(&object.bytes)?,
        None => Redrives::default(),
    })
}

/// Writes the note of a redrive down, before its first delivery is put on a queue, and again when
/// it has ended.
pub async fn note_redrive(
    store: &Store,
    keys: &RunKeys,
    redrive: &Redrive,
) -> Result<(), UpdateError<ObjectError>> {
    let add = |json: Option<&[u8]>| {
        let notes = json.map(Redrives::decode).transpose()?;
        let mut notes = notes.unwrap_or_default();
        notes.note(redrive.clone());
        Ok(Some(notes.encode()))
    };
    store.update(&keys.redrives(), add).await?;
    Ok(())
}
