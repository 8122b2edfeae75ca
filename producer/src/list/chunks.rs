//! A list's bytes in order, a piece at a time, unpacked where it is packed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use fanline_core::list::Compression;
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;
use tokio_util::io::StreamReader;

use crate::list::source::{Source, SourceError};

/// How much is asked for at a time. Each piece is fetched whole, so that no connection stands idle while the queue is slow.
const PIECE: u64 = 4 * 1024 * 1024;

/// How much of an unpacked list is handed on at a time.
const UNPACKED: usize = 256 * 1024;

/// The bytes of a list between two places, in order.
pub(crate) enum Chunks {
    Stored(Pieces),
    Unpacked {
        name: String,
        reader: Pin<Box<dyn AsyncRead + Send>>,
    },
}

impl Chunks {
    /// The bytes from `start` to `end`; a packed list has no places, and is read whole.
    pub(crate) fn new(source: &Arc<Source>, start: u64, end: u64) -> Self {
        let packed = |whole: &Arc<Source>| {
            let pieces = Pieces::new(whole, 0, whole.length);
            Box::pin(StreamReader::new(Box::pin(stream::try_unfold(
                pieces,
                |mut pieces| async move {
                    let piece = pieces.next().await.map_err(io::Error::other)?;
                    Ok::<_, io::Error>(piece.map(|piece| (piece, pieces)))
                },
            ))))
        };
        let name = source.name.clone();
        match source.compression {
            Compression::None => Self::Stored(Pieces::new(source, start, end)),
            Compression::Gzip => {
                let mut decoder = GzipDecoder::new(packed(source));
                // `cat a.gz b.gz` is a gzip file as well.
                decoder.multiple_members(true);
                Self::Unpacked {
                    name,
                    reader: Box::pin(decoder),
                }
            }
            Compression::Zstd => {
                let mut decoder = ZstdDecoder::new(packed(source));
                decoder.multiple_members(true);
                Self::Unpacked {
                    name,
                    reader: Box::pin(decoder),
                }
            }
        }
    }

    /// The next bytes, or `None` behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match self {
            Self::Stored(pieces) => pieces.next().await,
            Self::Unpacked { name, reader } => {
                let mut chunk = BytesMut::with_capacity(UNPACKED);
                while chunk.len() < UNPACKED {
                    let read = reader
                        .read_buf(&mut chunk)
                        .await
                        .map_err(|error| unpacking(name, error))?;
                    if read == 0 {
                        break;
                    }
                }
                Ok(Some(chunk.freeze()).filter(|chunk| !chunk.is_empty()))
            }
        }
    }
}

fn unpacking(name: &str, error: io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return SourceError::CutShort(name.into());
    }
    // What went wrong with the packed bytes comes through the decoder as it is.
    match error.downcast::<SourceError>() {
        Ok(inner) => inner,
        Err(_) => SourceError::NotPacked(name.into()),
    }
}

/// Reads one piece ahead, so that the rows of a piece are worked on while the next one comes.
pub(crate) struct Pieces {
    source: Arc<Source>,
    /// Where the next piece to be asked for begins.
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

    fn ask(&mut self) -> Option<JoinHandle<Result<Bytes, SourceError>>> {
        let start = self.next;
        self.next = self.end.min(start + PIECE);
        (start < self.next).then(|| tokio::spawn(Arc::clone(&self.source).read(start..self.next)))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let Some(piece) = self.ahead.take().or_else(|| self.ask()) else {
            return Ok(None);
        };
        self.ahead = self.ask();
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
