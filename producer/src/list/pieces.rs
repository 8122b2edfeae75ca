//! The stored bytes of a list, piece by piece.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::task::JoinHandle;
use tokio_util::io::StreamReader;

use crate::list::source::{Source, SourceError};

/// How many bytes one read asks for. Each piece is read to its end at once, so that no connection
/// stands idle while the queue is slow.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

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
    /// The bytes from `start` to `end`.
    pub(crate) fn new(source: &Arc<Source>, start: u64, end: u64) -> Self {
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

    /// The next piece, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
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

/// All bytes of a list as they are stored.
pub(crate) type StoredBytes =
    StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

/// All bytes of a list as they are stored. Its errors are [`SourceError`]s.
pub(crate) fn stored_bytes(source: &Arc<Source>) -> StoredBytes {
    let pieces = Pieces::new(source, 0, source.length);
    StreamReader::new(Box::pin(stream::try_unfold(
        pieces,
        |mut pieces| async move {
            let piece = pieces.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(piece.map(|piece| (piece, pieces)))
        },
    )))
}
