//! Reads and edits the control object.

use std::collections::BTreeSet;

use super::{Fetched, MAX_TRIES, Store, StoreError, Tag, UpdateError, history};
use crate::control::{Control, EditError, PastControl};
use crate::json_object::ObjectError;
use crate::keys::CONTROL_KEY;

/// Why the control object was not read or edited.
#[derive(Debug, thiserror::Error)]
pub enum EditControlError {
    /// The object has something in it that can't be.
    #[error(
        "{0}. Consumers obey the last one that they could read. Mend `{CONTROL_KEY}`, or bring \
         back its version before"
    )]
    Object(ObjectError),
    /// The edit is refused.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ObjectError> for EditControlError {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

/// Reads the control object; `None` where it still has the tag that is known. Where there is no
/// object, nothing is controlled, and there is no tag.
pub async fn read_control(
    store: &Store,
    known: Option<&Tag>,
) -> Result<Option<(Control, Option<Tag>)>, EditControlError> {
    let fetched = match known {
        Some(tag) => store.get_unless(CONTROL_KEY, tag).await?,
        None => match store.get(CONTROL_KEY).await? {
            Some(object) => Fetched::Object(object),
            None => Fetched::Absent,
        },
    };
    Ok(match fetched {
        Fetched::Same => None,
        Fetched::Absent => Some((Control::default(), None)),
        Fetched::Object(object) => {
            let control = Control::decode(&object.bytes)?;
            Some((control, Some(object.tag)))
        }
    })
}

/// Edits the control object, again on its newest content where somebody else was faster, and gives
/// it as it is now. An edit that changes nothing writes nothing.
///
/// What the edit replaces is written into the history first. So what was ever said stands there or
/// in the control object, also with several editors at once, and wherever one of them dies.
pub async fn edit_control(
    store: &Store,
    mut edit: impl FnMut(&Control) -> Result<Control, EditError>,
) -> Result<Control, UpdateError<EditControlError>> {
    let mut written = BTreeSet::new();
    for _ in 0..MAX_TRIES {
        let before = read_control(store, None).await.map_err(UpdateError::Edit)?;
        let before = before.unwrap_or_default().0;
        let after = edit(&before).map_err(|error| UpdateError::Edit(error.into()))?;
        if after == before {
            return Ok(after);
        }
        for past in PastControl::replaced(&before, &after) {
            let key = history::key(&past);
            if !written.contains(&key) {
                history::put(store, &key, &past).await?;
                written.insert(key);
            }
        }
        if let Some(edited) = edit_known(store, &mut edit, &written).await? {
            return Ok(edited);
        }
    }
    Err(UpdateError::Contended(CONTROL_KEY.to_owned()))
}

/// Edits the control object where all that is replaced is in the history; `None`: somebody has
/// edited it since, so something is not.
async fn edit_known(
    store: &Store,
    mut edit: impl FnMut(&Control) -> Result<Control, EditError>,
    written: &BTreeSet<String>,
) -> Result<Option<Control>, UpdateError<EditControlError>> {
    let mut edited = None;
    let decode_and_edit = |json: Option<&[u8]>| {
        let control = json.map(Control::decode).transpose()?;
        let now = control.unwrap_or_default();
        let after = edit(&now)?;
        let replaced = PastControl::replaced(&now, &after);
        let is_known = replaced
            .iter()
            .all(|past| written.contains(&history::key(past)));
        if !is_known {
            edited = None;
            return Ok(None);
        }
        let is_new = after != now;
        let json = is_new.then(|| after.encode());
        edited = Some(after);
        Ok(json)
    };
    store.update(CONTROL_KEY, decode_and_edit).await?;
    Ok(edited)
}
