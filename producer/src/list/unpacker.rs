//! A packed list is unpacked.

use std::io;
use std::sync::Arc;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::BytesMut;
use fanline_core::list::Compression;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

use crate::list::pieces::{StoredBytes, stored_bytes};
use crate::list::source::{Source, SourceError};

/// Unpacks a list. Several packed files, one after the other, are a packed file too:
/// `cat a.gz b.gz`.
pub(crate) struct Unpacker {
    list: String,
    decoder: Decoder,
}

enum Decoder {
    /// One member of the file, which can have several.
    Gzip(Box<GzipDecoder<StoredBytes>>),
    Zstd(Box<ZstdDecoder<StoredBytes>>),
    /// All has been read.
    Ended,
}

impl Unpacker {
    /// All of this list.
    pub(crate) fn new(source: &Arc<Source>) -> Self {
        let stored = stored_bytes(source);
        Self {
            list: source.name.clone(),
            decoder: match source.form.compression {
                Compression::Zstd => {
                    let mut decoder = ZstdDecoder::new(stored);
                    decoder.multiple_members(true);
                    Decoder::Zstd(Box::new(decoder))
                }
                Compression::Gzip | Compression::None => {
                    Decoder::Gzip(Box::new(GzipDecoder::new(stored)))
                }
            },
        }
    }

    /// Adds some bytes to `chunk`, which has room for them. Returns `false` after the last byte.
    pub(crate) async fn read(&mut self, chunk: &mut BytesMut) -> Result<bool, SourceError> {
        let read = self.decoder.read(chunk).await;
        read.map_err(|error| unpack_error(&self.list, error))
    }
}

impl Decoder {
    async fn read(&mut self, chunk: &mut BytesMut) -> io::Result<bool> {
        loop {
            match self {
                Self::Ended => return Ok(false),
                Self::Zstd(decoder) => return Ok(decoder.read_buf(chunk).await? > 0),
                Self::Gzip(decoder) => {
                    if decoder.read_buf(chunk).await? > 0 {
                        return Ok(true);
                    }
                }
            }
            // The member ends here. There may be another one.
            if let Self::Gzip(member) = std::mem::replace(self, Self::Ended) {
                let mut stored = member.into_inner();
                if skip_zeros(&mut stored).await? {
                    *self = Self::Gzip(Box::new(GzipDecoder::new(stored)));
                }
            }
        }
    }
}

/// Skips the zeros that tapes and block devices leave behind a file, as `gzip` does. Returns
/// whether there is more.
async fn skip_zeros(stored: &mut StoredBytes) -> io::Result<bool> {
    loop {
        let bytes = stored.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_more = zeros < bytes.len();
        stored.consume(zeros);
        if is_more {
            return Ok(true);
        }
    }
}

/// What the library of zstd says of a window that it does not take.
const WINDOW_TOO_LARGE: &str = "too much memory";

fn unpack_error(list: &str, error: io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return SourceError::CutShort(list.into());
    }
    if error.to_string().contains(WINDOW_TOO_LARGE) {
        return SourceError::Window(list.into());
    }
    // The decoder passes on the error of the bytes below it unchanged.
    match error.downcast::<SourceError>() {
        Ok(inner) => inner,
        Err(_) => SourceError::NotPacked(list.into()),
    }
}
