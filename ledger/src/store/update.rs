//! Compare and swap: read an object, change it, put it back, and begin again where somebody else
//! was faster.

use std::time::Duration;

use bytes::Bytes;
use fanline_core::backoff::full_jitter;

use super::{Expect, Store, StoreError, Tag};

/// How often a change is tried against other writers.
pub const MAX_TRIES: u32 = 8;

/// A writer that lost waits for 50 ms, and up to 450 ms more.
const MIN_WAIT: Duration = Duration::from_millis(50);
const WAIT_BASE: Duration = Duration::from_millis(100);
const MAX_JITTER: Duration = Duration::from_millis(450);

/// What an update came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The content that the object has now; `None` where there is none still.
    pub bytes: Option<Bytes>,
    /// Whether this update has put it. Else it was as wanted already.
    pub written: bool,
    /// How often it was tried: 1 where no other writer was met.
    pub tries: u32,
}

/// Why an object was not updated. `E` is why the change itself is refused.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError<E: std::error::Error + 'static> {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change is refused.
    #[error(transparent)]
    Edit(E),
    /// Others were faster each time.
    #[error("`{0}` was changed by somebody else {MAX_TRIES} times in a row")]
    Contended(String),
}

impl Store {
    /// Changes an object: `edit` gets its content, or `None` where there is none, and gives the new
    /// content, or `None` where nothing is to change.
    ///
    /// `edit` runs again on the newest content whenever another writer was faster, up to
    /// [`MAX_TRIES`] times. An object that turns out to have the very content that was to be put
    /// counts as put: the answer to the put was lost. So where it matters *who* was first, the
    /// content has to name its writer, as `firing` and `resends` of a run's record do.
    pub async fn update<E: std::error::Error + 'static>(
        &self,
        key: &str,
        mut edit: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Updated, UpdateError<E>> {
        let mut wanted: Option<Bytes> = None;
        for tries in 1..=MAX_TRIES {
            if tries > 1 {
                let jitter = full_jitter(WAIT_BASE, MAX_JITTER, tries - 1, rand::random());
                tokio::time::sleep(MIN_WAIT + jitter).await;
            }
            let object = self.get(key).await?;
            let now = object.as_ref().map(|object| object.bytes.clone());
            let updated = |bytes, written| Updated {
                bytes,
                written,
                tries,
            };
            if wanted.is_some() && wanted == now {
                return Ok(updated(now, true));
            }
            let edited = edit(now.as_deref()).map_err(UpdateError::Edit)?;
            let Some(bytes) = edited
                .map(Bytes::from)
                .filter(|bytes| now.as_ref() != Some(bytes))
            else {
                return Ok(updated(now, false));
            };
            let expect = object.map_or(Expect::Absent, |object| Expect::Tag(object.tag));
            match self.put(key, bytes.clone(), &expect).await {
                Ok(Tag(_)) => return Ok(updated(Some(bytes), true)),
                Err(StoreError::Conflict(_)) => wanted = Some(bytes),
                Err(error) => return Err(error.into()),
            }
        }
        Err(UpdateError::Contended(key.to_owned()))
    }
}
