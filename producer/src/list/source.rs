//! The bytes of a list: in S3, in a file, or in the campaign itself.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use bytes::Bytes;
use fanline_core::backoff::full_jitter;
use fanline_core::s3_uri::S3Uri;
use fanline_core::surroundings::Random;
use fanline_ledger::ListVersion;
use fanline_telemetry::aws_error::{
    denied_action, innermost, is_denied, other_region, status, words,
};

use crate::list::form::{Form, FormError};
use crate::list::workbook::WorkbookError;

pub(crate) mod file;

/// How often a piece of an object is asked for. The SDK repeats a request that fails, but not an
/// answer that breaks off.
const MAX_READ_ATTEMPTS: u32 = 4;

/// The waits between these attempts are at most 0.4 s, 0.8 s and 1.6 s long.
const BASE_WAIT: Duration = Duration::from_millis(400);
const MAX_WAIT: Duration = Duration::from_millis(1600);

/// Why the bytes of a list can't be read: one sentence that names the list.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such bucket, object or file.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// The store does not let us read it. S3 also says this of a missing object where listing the
    /// bucket is not permitted.
    #[error("`{list}` can't be read: no permission for `{action}`")]
    Denied {
        /// The name of the list.
        list: String,
        /// The action that is missing.
        action: String,
    },
    /// The user of this machine may not read the file.
    #[error("`{0}` can't be read: no permission")]
    NoPermission(String),
    /// The list's bucket is in another Region.
    #[error(
        "`{list}` can't be read: its bucket is in the Region {region}, and the request went to \
         another one: put the list into a bucket of the Region where this runs"
    )]
    OtherRegion {
        /// The name of the list.
        list: String,
        /// The Region of its bucket.
        region: String,
    },
    /// The list is no longer the version that the run began with.
    #[error(
        "`{0}` was changed while it was being read: start the campaign again under a new id, \
         or put the list back"
    )]
    Changed(String),
    /// The store does not say which version of the list it has. A change could not be noticed.
    #[error("`{0}` can't be used: the store gives no ETag for it, so a change would go unnoticed")]
    NoEtag(String),
    /// A packed list ends within its data.
    #[error("`{0}` is cut short: its compressed data ends in the middle")]
    CutShort(String),
    /// The name of the list ends in `.gz` or `.zst`, but its data is something else.
    #[error("`{0}` can't be unpacked: is it what its name says?")]
    NotPacked(String),
    /// The list was packed by `zstd --long`.
    #[error("`{0}` needs too large a window: pack it again without `--long`")]
    Window(String),
    /// The list is in no form that can be read.
    #[error("`{list}` {problem}")]
    Form {
        /// The name of the list.
        list: String,
        /// What it is.
        problem: FormError,
    },
    /// The list is a workbook, and its sheet can't be read.
    #[error("`{list}` {problem}")]
    Workbook {
        /// The name of the list.
        list: String,
        /// What is wrong with it.
        problem: WorkbookError,
    },
    /// The list is a path, but only the command line reads files.
    #[error(
        "`recipients` is a path: a file can be read from the command line only, \
         a function reads `s3://BUCKET/KEY`"
    )]
    LocalFile,
    /// The rows of LINE Notify came inside the event of a function.
    #[error(
        "`recipients` holds LINE Notify tokens, and queues and logs keep the event of a function: \
         put the list into S3"
    )]
    InlineTokens,
    /// The code that reads the list panicked.
    #[error("`{0}` can't be read: the code that reads it panicked, the log says where")]
    Panicked(String),
    /// Anything else that the store says.
    #[error("`{list}` can't be read: {problem}")]
    Unreadable {
        /// The name of the list.
        list: String,
        /// What the store said.
        problem: String,
    },
}

/// Where the bytes are stored.
#[derive(Debug)]
pub(crate) enum Storage {
    S3 {
        client: Client,
        object: S3Uri,
        /// Spreads the waits after failed reads.
        random: Random,
    },
    File(Arc<File>),
    Inline(Bytes),
}

/// One version of a list, open for reading.
#[derive(Debug)]
pub(crate) struct Source {
    storage: Storage,
    /// The list as people name it.
    pub(crate) name: String,
    /// Which version of the list this is.
    pub(crate) etag: String,
    /// The name of this version in a bucket that keeps versions.
    pub(crate) version_id: Option<String>,
    /// How many bytes are stored.
    pub(crate) length: u64,
    pub(crate) form: Form,
}

impl Source {
    /// This version of the list, as the record of a run names it.
    pub(crate) fn version(&self) -> ListVersion {
        ListVersion {
            uri: self.name.clone(),
            etag: self.etag.clone(),
            version_id: self.version_id.clone(),
            bytes: self.length,
        }
    }

    /// A list of this name.
    pub(crate) fn new(
        storage: Storage,
        name: String,
        etag: String,
        length: u64,
        form: Form,
    ) -> Self {
        Self {
            storage,
            name,
            etag,
            version_id: None,
            length,
            form,
        }
    }

    /// The same, with the name of this version.
    pub(crate) fn with_version_id(mut self, version_id: Option<String>) -> Self {
        self.version_id = version_id;
        self
    }

    /// Reads these bytes of this version, all of them. They have to lie within the list.
    pub(crate) async fn read(self: Arc<Self>, range: Range<u64>) -> Result<Bytes, SourceError> {
        match &self.storage {
            Storage::Inline(bytes) => Ok(bytes.slice(in_memory(range.start)..in_memory(range.end))),
            Storage::File(file) => {
                let (source, file) = (Arc::clone(&self), Arc::clone(file));
                // The message of a panic may hold a row, so it is dropped.
                tokio::task::spawn_blocking(move || source.read_file(&file, &range))
                    .await
                    .map_err(|_panic| SourceError::Panicked(self.name.clone()))?
            }
            Storage::S3 {
                client,
                object,
                random,
            } => {
                let (mut attempt, mut version) = (1, None);
                loop {
                    match self.read_object(client, object, version, &range).await {
                        // Another version is the newest now, but this one is still there.
                        Err(SourceError::Changed(_))
                            if version.is_none() && self.version_id.is_some() =>
                        {
                            version = self.version_id.as_deref();
                        }
                        Err(SourceError::Unreadable { .. }) if attempt < MAX_READ_ATTEMPTS => {
                            let wait = full_jitter(BASE_WAIT, MAX_WAIT, attempt, random.draw());
                            tokio::time::sleep(wait).await;
                            attempt += 1;
                        }
                        other => return other,
                    }
                }
            }
        }
    }

    fn read_file(&self, file: &File, range: &Range<u64>) -> Result<Bytes, SourceError> {
        let failed = |error: io::Error| file_error(&self.name, &error);
        let mut bytes = vec![0; in_memory(range.end - range.start)];
        let read = file::read_exact_at(file, &mut bytes, range.start);
        // After the read, so that a change during the read is noticed.
        if file::version(&file.metadata().map_err(failed)?) != self.etag {
            return Err(SourceError::Changed(self.name.clone()));
        }
        read.map_err(failed)?;
        Ok(bytes.into())
    }

    async fn read_object(
        &self,
        client: &Client,
        object: &S3Uri,
        version: Option<&str>,
        range: &Range<u64>,
    ) -> Result<Bytes, SourceError> {
        let answer = client
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .if_match(&self.etag)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| s3_error(object, &error))?;
        let unreadable = |problem: String| SourceError::Unreadable {
            list: self.name.clone(),
            problem,
        };
        let body = answer.body.collect().await;
        let bytes = body
            .map_err(|error| unreadable(innermost(&error)))?
            .into_bytes();
        let wanted = range.end - range.start;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            let got = bytes.len();
            Err(unreadable(format!("asked for {wanted} bytes, got {got}")))
        }
    }
}

/// A place or a length within bytes that are held in memory.
fn in_memory(bytes: u64) -> usize {
    #[expect(
        clippy::expect_used,
        reason = "a piece has 4 MiB at most, and the list of an event fits the event"
    )]
    usize::try_from(bytes).expect("what is held in memory has an address")
}

/// Why a file can't be read.
pub(crate) fn file_error(path: &str, error: &io::Error) -> SourceError {
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.into()),
        io::ErrorKind::PermissionDenied => SourceError::NoPermission(path.into()),
        _ => SourceError::Unreadable {
            list: path.into(),
            problem: error.to_string(),
        },
    }
}

/// Why an object can't be read.
pub(crate) fn s3_error(object: &S3Uri, error: &SdkError<GetObjectError>) -> SourceError {
    let list = object.to_string();
    if let Some(region) = other_region(error) {
        let region = region.to_owned();
        return SourceError::OtherRegion { list, region };
    }
    match (error.code(), status(error)) {
        (Some("NoSuchBucket"), _) => SourceError::Missing(format!("s3://{}", object.bucket)),
        (Some("NoSuchKey"), _) | (_, Some(404)) => SourceError::Missing(list),
        _ if is_denied(error) => {
            let action = denied_action(error).unwrap_or("s3:GetObject").to_owned();
            SourceError::Denied { list, action }
        }
        (_, Some(412)) => SourceError::Changed(list),
        _ => SourceError::Unreadable {
            list,
            problem: words(error),
        },
    }
}
