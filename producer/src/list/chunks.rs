//! The bytes of a list in order, in chunks, unpacked where the list is packed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use fanline_core::list::Compression;
use futures_util::stream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;
use tokio_util::io::StreamReader;

use crate::list::source::{Source, SourceError};

/// How many bytes one read asks for. Each piece is read to its end at once, so that no connection
/// stands idle while the queue is slow.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// How many bytes of an unpacked list make one chunk.
const UNPACKED_CHUNK_BYTES: usize = 256 * 1024;

/// The bytes of a list between two places, in order.
pub(crate) enum Chunks {
    /// As the list is stored.
    Stored(Pieces),
    /// Unpacked from what is stored.
    Unpacked {
        list: String,
        reader: Pin<Box<dyn AsyncRead + Send>>,
    },
}

impl Chunks {
    /// The bytes from `start` to `end`. A packed list has no such places: it is read as a whole.
    pub(crate) fn new(source: &Arc<Source>, start: u64, end: u64) -> Self {
        // Several packed files, one after the other, are a packed file too: `cat a.gz b.gz`.
        let reader: Pin<Box<dyn AsyncRead + Send>> = match source.compression {
            Compression::None => return Self::Stored(Pieces::new(source, start, end)),
            Compression::Gzip => {
                let mut decoder = GzipDecoder::new(stored_bytes(source));
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Compression::Zstd => {
                let mut decoder = ZstdDecoder::new(stored_bytes(source));
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        };
        Self::Unpacked {
            list: source.name.clone(),
            reader,
        }
    }

    /// The next bytes, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match self {
            Self::Stored(pieces) => pieces.next().await,
            Self::Unpacked { list, reader } => {
                let mut chunk = BytesMut::with_capacity(UNPACKED_CHUNK_BYTES);
                while chunk.len() < UNPACKED_CHUNK_BYTES {
                    let read = reader
                        .read_buf(&mut chunk)
                        .await
                        .map_err(|error| unpack_error(list, error))?;
                    if read == 0 {
                        break;
                    }
                }
                Ok(Some(chunk.freeze()).filter(|chunk| !chunk.is_empty()))
            }
        }
    }
}

/// All bytes of a list as they are stored.
fn stored_bytes(source: &Arc<Source>) -> impl AsyncBufRead + Send + Unpin + use<> {
    let pieces = Pieces::new(source, 0, source.length);
    StreamReader::new(Box::pin(stream::try_unfold(
        pieces,
        |mut pieces| async move {
            let piece = pieces.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(piece.map(|piece| (piece, pieces)))
        },
    )))
}

fn unpack_error(list: &str, error: io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return SourceError::CutShort(list.into());
    }
    // The decoder passes on the error of the bytes below it unchanged.
    match error.downcast::<SourceError>() {
        Ok(inner) => inner,
        Err(_) => SourceError::NotPacked(list.into()),
    }
}

/// The stored bytes between two places. Reads one piece ahead, so that one piece is worked on while
/// the next one is on its way.
pub(crate) struct Pieces {
    source: Arc<Source>,
    /// Where the next piece begins that has not been asked for.
    next: u64,
    end: u64,
    ahead: Option<JoinHandle<Result<Bytes, SourceError>>>,
}

impl Pieces {
    fn new(source: &Arc<Source>, start: u64, end: u64) -> Self {
        Self {
            source: Arc::clone(source),
            next: start,
            end,
            ahead: None,
        }
    }

    fn begin_read(&mut self) -> Option<JoinHandle<Result<Bytes, SourceError>>> {
        let start = self.next;
        self.next = self.end.min(start + PIECE_BYTES);
        (start < self.next).then(|| tokio::spawn(Arc::clone(&self.source).read(start..self.next)))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let Some(piece) = self.ahead.take().or_else(|| self.begin_read()) else {
            return Ok(None);
        };
        self.ahead = self.begin_read();
        // The message of a panic may hold a row, so it is dropped.
        let piece = piece
            .await
            .map_err(|_panic| SourceError::Panicked(self.source.name.clone()))??;
        Ok(Some(piece))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.abort();
        }
    }
}
