//! Where the objects lie: a bucket in S3, or a folder on this machine. Two ends, one set of verbs.

use std::path::PathBuf;

use aws_config::SdkConfig;
use bytes::Bytes;
use fanline_core::s3_uri::S3Uri;

use crate::keys::LEDGER_PREFIX;

mod begin;
mod books;
mod bucket;
mod edit_control;
mod edit_watch;
mod folder;
mod history;
mod place;
mod read_sum;
mod redrives;
mod update;

pub use begin::{begin_run, draw_id};
pub use books::{MergeError, MergedBook, merge_loose, merge_slice};
pub use bucket::{Bucket, s3_client};
pub use edit_control::{EditControlError, edit_control, read_control};
pub use edit_watch::{ReadObjectError, edit_watch, read_watch};
pub use folder::Folder;
pub use history::{read_history, read_past_paces};
pub use place::{ControlPlace, ControlPlaceError};
pub use read_sum::{ReadSumError, read_sum, read_tallies, read_tallies_of};
pub use redrives::{note_redrive, read_redrives};
pub use update::{MAX_TRIES, UpdateError, Updated};

/// What stands for an object's content: another content has another tag. An S3 `ETag`, or SHA-256
/// in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

impl Tag {
    fn new(tag: impl Into<String>) -> Self {
        Self(tag.into())
    }

    /// The tag as the store writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object's content with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The content.
    pub bytes: Bytes,
    /// Its tag.
    pub tag: Tag,
}

/// What is to be put.
#[derive(Debug, Clone)]
pub enum Put {
    /// These bytes.
    Bytes(Bytes),
    /// What is in this file: for rolls, which need not fit into memory.
    File(PathBuf),
}

impl<T: Into<Bytes>> From<T> for Put {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// What must be true of an object for a put to replace it. Else the put is a
/// [`StoreError::Conflict`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// There is no such object.
    Absent,
    /// It still has this tag.
    Tag(Tag),
    /// Nothing: whatever is there is replaced.
    Any,
}

/// What a conditional read brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// There is no such object.
    Absent,
    /// It has the tag that the reader knows.
    Same,
    /// Another content.
    Object(Object),
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
}

/// Why the store did not do what it was asked. It names the object and never its content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object is not as expected: somebody else has put it. Read it again.
    #[error("`{0}` was changed by somebody else")]
    Conflict(String),
    /// There is no such bucket or folder.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It is there, perhaps, but not for us. S3 says so of an object that is not there, too, where
    /// listing is denied.
    #[error("`{place}` can't be reached: no permission for {rights}")]
    Denied {
        /// The object.
        place: String,
        /// What is missing: the actions of a role, or what a user of the machine may not do.
        rights: String,
    },
    /// The key has a form that a store can't have.
    #[error("`{0}` is not the key of an object")]
    Key(String),
    /// Anything else that the store says.
    #[error("`{place}`: {problem}")]
    Failed {
        /// The object.
        place: String,
        /// What the store said.
        problem: String,
    },
}

/// Where the objects lie.
///
/// Both stores read what was put last, and replace an object whole or not at all. Keys are as in
/// S3, with slashes; no part of one is empty or begins with a dot.
#[derive(Debug, Clone)]
pub enum Store {
    /// In S3.
    Bucket(Bucket),
    /// In a folder.
    Folder(Folder),
}

impl Store {
    /// The store that the setting `LEDGER_URI` names, such as `s3://BUCKET/ledger/`. The last part
    /// of its key, [`LEDGER_PREFIX`], is the one that the keys of all runs begin with.
    pub fn of_ledger_uri(config: &SdkConfig, uri: &S3Uri) -> Self {
        let mut place = uri.clone();
        if !place.key.is_empty() && !place.key.ends_with('/') {
            place.key.push('/');
        }
        let above = place.key.strip_suffix(LEDGER_PREFIX);
        let above = above.filter(|key| key.is_empty() || key.ends_with('/'));
        let key = above.map(str::to_owned).unwrap_or(place.key);
        let bucket = uri.bucket.clone();
        Self::Bucket(Bucket::new(config, S3Uri { bucket, key }))
    }

    /// Reads an object; `None` where there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.get(key).await,
            Self::Folder(folder) => folder.get(key).await,
        }
    }

    /// Reads an object unless it has the tag that is known already.
    pub async fn get_unless(&self, key: &str, known: &Tag) -> Result<Fetched, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.get_unless(key, known).await,
            Self::Folder(folder) => folder.get_unless(key, known).await,
        }
    }

    /// Reads the first bytes of an object, all where it is shorter; `None` where there is none.
    pub async fn get_head(&self, key: &str, bytes: usize) -> Result<Option<Bytes>, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.get_head(key, bytes).await,
            Self::Folder(folder) => folder.get_head(key, bytes).await,
        }
    }

    /// Puts an object if what is there is as expected, and gives its new tag. Where several put
    /// under the same expectation, one succeeds.
    ///
    /// After an answer that was lost, S3's client asks again and may be told of a conflict with its
    /// own put. So whoever is refused reads again before it believes in another writer, as
    /// [`Store::update`] does.
    pub async fn put(
        &self,
        key: &str,
        content: impl Into<Put>,
        expect: &Expect,
    ) -> Result<Tag, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.put(key, content.into(), expect).await,
            Self::Folder(folder) => folder.put(key, content.into(), expect).await,
        }
    }

    /// All objects whose keys begin so, in the order of their keys.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.list(prefix).await,
            Self::Folder(folder) => folder.list(prefix).await,
        }
    }

    /// The folders right below `prefix`, which ends in a slash: what all keys in each begin with,
    /// in order. So the runs are found without reading the names of all their objects.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.folders(prefix).await,
            Self::Folder(folder) => folder.folders(prefix).await,
        }
    }

    /// Deletes an object. It is no error if there is none.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self {
            Self::Bucket(bucket) => bucket.delete(key).await,
            Self::Folder(folder) => folder.delete(key).await,
        }
    }
}
