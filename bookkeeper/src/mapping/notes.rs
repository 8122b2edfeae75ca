//! What the bookkeeper notes of the mappings that it switches off: it switches on no others.

use fanline_ledger::{
    Control, Lane, MAPPINGS_KEY, ObjectError, ReadObjectError, Store, SwitchedOff, UpdateError,
};
use jiff::Timestamp;

/// The notes in the store. Where there are none yet, the control object says what an earlier
/// version has switched off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes<'a> {
    pub(crate) store: &'a Store,
    pub(crate) control: &'a Control,
    pub(crate) now: Timestamp,
}

impl Notes<'_> {
    fn decode(&self, json: Option<&[u8]>) -> Result<SwitchedOff, ObjectError> {
        match json {
            Some(json) => SwitchedOff::decode(json),
            None => Ok(SwitchedOff::without_notes(self.control, self.now)),
        }
    }

    /// Since when the lane's mapping is off by the bookkeeper.
    pub(super) async fn since(&self, lane: Lane) -> Result<Option<Timestamp>, ReadObjectError> {
        let object = self.store.get(MAPPINGS_KEY).await?;
        let json = object.as_ref().map(|object| &*object.bytes);
        Ok(self.decode(json)?.since(lane))
    }

    /// Sees to it that there are notes, so that nobody takes what an operator switches off for what
    /// an earlier version has switched off.
    pub(super) async fn begin(&self) -> Result<(), UpdateError<ObjectError>> {
        self.update(|_| ()).await
    }

    /// Notes that the lane's mapping is off by the bookkeeper.
    pub(super) async fn note(&self, lane: Lane) -> Result<(), UpdateError<ObjectError>> {
        self.update(|notes| notes.note(lane, self.now)).await
    }

    /// Forgets what was noted then. What another bookkeeper has noted since stays.
    pub(crate) async fn forget(
        &self,
        lane: Lane,
        then: Timestamp,
    ) -> Result<(), UpdateError<ObjectError>> {
        self.update(|notes| notes.forget(lane, then)).await
    }

    async fn update(
        &self,
        mut change: impl FnMut(&mut SwitchedOff),
    ) -> Result<(), UpdateError<ObjectError>> {
        let decode_and_change = |json: Option<&[u8]>| {
            let mut notes = self.decode(json)?;
            change(&mut notes);
            Ok(Some(notes.encode()))
        };
        self.store.update(MAPPINGS_KEY, decode_and_change).await?;
        Ok(())
    }
}
