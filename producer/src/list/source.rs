//! The bytes of a list: in S3, in a file, or in the campaign itself.

use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use bytes::Bytes;
use fanline_core::list::{Compression, Format};
use fanline_core::s3_uri::S3Uri;

use fanline_telemetry::aws_error::{innermost, status, words};

/// How often a piece of an object is asked for. The SDK repeats a request that fails, but not an answer that breaks off.
const READ_ATTEMPTS: u32 = 4;

/// Why a list can't be read: one sentence that names it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such bucket, object or file.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It is there, perhaps, but not for us.
    #[error("`{0}` can't be read: no permission")]
    Denied(String),
    /// Another version of the list is there than the one that the run began with.
    #[error(
        "`{0}` was changed while it was being read: start the campaign again under a new id, or put the list back"
    )]
    Changed(String),
    /// A compressed list ends within its data.
    #[error("`{0}` is cut short: its compressed data ends in the middle")]
    CutShort(String),
    /// A compressed list's data is none.
    #[error("`{0}` can't be unpacked: is it what its name says?")]
    NotPacked(String),
    /// A path, where only objects are read.
    #[error(
        "`recipients` is a path: a file can be read from the command line only, a function reads `s3://BUCKET/KEY`"
    )]
    LocalFile,
    /// The code that reads the list panicked.
    #[error("`{0}` can't be read: the code that reads it panicked, the log says where")]
    Panicked(String),
    /// Anything else that the store says.
    #[error("`{list}` can't be read: {problem}")]
    Unreadable {
        /// The list.
        list: String,
        /// What the store said.
        problem: String,
    },
}

/// Where the bytes come from.
#[derive(Debug)]
pub(crate) enum Place {
    S3 { client: Client, object: S3Uri },
    File(std::fs::File),
    Inline(Bytes),
}

/// One version of a list, open for reading.
#[derive(Debug)]
pub(crate) struct Source {
    place: Place,
    /// The list as people name it.
    pub(crate) name: String,
    /// Which version it is.
    pub(crate) etag: String,
    /// Its length in bytes, as it is stored.
    pub(crate) length: u64,
    pub(crate) format: Format,
    pub(crate) compression: Compression,
}

impl Source {
    pub(crate) fn new(
        place: Place,
        name: String,
        etag: String,
        length: u64,
        format: Option<Format>,
    ) -> Self {
        let format = format.unwrap_or_else(|| Format::of(&name));
        let compression = Compression::of(&name);
        Self {
            place,
            name,
            etag,
            length,
            format,
            compression,
        }
    }

    /// Whether its bytes have to be unpacked, so that it has no places to begin at.
    pub(crate) fn is_packed(&self) -> bool {
        self.compression != Compression::None
    }

    /// Reads these bytes, of this version, or nothing.
    pub(crate) async fn read(self: Arc<Self>, range: Range<u64>) -> Result<Bytes, SourceError> {
        match &self.place {
            Place::Inline(bytes) => {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(at(range.start)..at(range.end)))
            }
            Place::File(_) => {
                let source = Arc::clone(&self);
                // The message of a panic may hold a row, so it is dropped.
                tokio::task::spawn_blocking(move || source.read_file(range))
                    .await
                    .map_err(|_panic| SourceError::Panicked(self.name.clone()))?
            }
            Place::S3 { client, object } => {
                let mut attempt = 1;
                loop {
                    match self.read_object(client, object, &range).await {
                        Err(SourceError::Unreadable { .. }) if attempt < READ_ATTEMPTS => {
                            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                            attempt += 1;
                        }
                        other => return other,
                    }
                }
            }
        }
    }

    fn read_file(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let Place::File(file) = &self.place else {
            return Ok(Bytes::new());
        };
        let failed = |error: std::io::Error| unreadable_file(&self.name, &error);
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
        let read = file.read_exact_at(&mut bytes, range.start);
        // After the read, so that a change during it is seen.
        if version(&file.metadata().map_err(failed)?) != self.etag {
            return Err(SourceError::Changed(self.name.clone()));
        }
        read.map_err(failed)?;
        Ok(bytes.into())
    }

    async fn read_object(
        &self,
        client: &Client,
        object: &S3Uri,
        range: &Range<u64>,
    ) -> Result<Bytes, SourceError> {
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let request = client
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .range(bytes)
            .set_if_match(Some(self.etag.clone()).filter(|etag| !etag.is_empty()));
        let answer = request
            .send()
            .await
            .map_err(|error| refused(object, &error))?;
        let unreadable = |problem: String| SourceError::Unreadable {
            list: self.name.clone(),
            problem,
        };
        let body = answer
            .body
            .collect()
            .await
            .map_err(|error| unreadable(innermost(&error)))?;
        let body = body.into_bytes();
        if body.len() as u64 == range.end - range.start {
            Ok(body)
        } else {
            Err(unreadable(format!(
                "asked for {} bytes, got {}",
                range.end - range.start,
                body.len()
            )))
        }
    }
}

pub(crate) fn version(metadata: &std::fs::Metadata) -> String {
    format!(
        "{}-{}-{}.{:09}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

pub(crate) fn unreadable_file(path: &str, error: &std::io::Error) -> SourceError {
    match error.kind() {
        std::io::ErrorKind::NotFound => SourceError::Missing(path.into()),
        std::io::ErrorKind::PermissionDenied => SourceError::Denied(path.into()),
        _ => SourceError::Unreadable {
            list: path.into(),
            problem: error.to_string(),
        },
    }
}

pub(crate) fn refused(object: &S3Uri, error: &SdkError<GetObjectError>) -> SourceError {
    let list = object.to_string();
    match (error.code(), status(error)) {
        (Some("NoSuchBucket"), _) => SourceError::Missing(format!("s3://{}", object.bucket)),
        (Some("NoSuchKey"), _) | (_, Some(404)) => SourceError::Missing(list),
        (_, Some(401 | 403)) => SourceError::Denied(list),
        (_, Some(412)) => SourceError::Changed(list),
        _ => SourceError::Unreadable {
            list,
            problem: words(error),
        },
    }
}
