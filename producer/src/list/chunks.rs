//! The bytes of a list in order, in chunks: unpacked where the list is packed, and in UTF-8.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fanline_core::list::{Compression, Format, Transcoder};

use crate::list::pieces::Pieces;
use crate::list::sheet;
use crate::list::source::{Source, SourceError};
use crate::list::unpacker::Unpacker;

/// How many bytes of an unpacked list make one chunk.
const UNPACKED_CHUNK_BYTES: usize = 256 * 1024;

/// The bytes of a list between two places, in order.
pub(crate) struct Chunks {
    bytes: ListBytes,
    /// Makes UTF-8 of the list's encoding, until the list's end. `None` for a list in UTF-8.
    transcoder: Option<Transcoder>,
}

/// The bytes in the list's own encoding.
enum ListBytes {
    /// As the list is stored.
    Stored(Pieces),
    /// Unpacked from what is stored.
    Unpacked(Unpacker),
    /// A workbook's sheet as CSV, until it has been read.
    Workbook(Option<Arc<Source>>),
}

impl Chunks {
    /// The bytes from `start` to `end`. A list that can't be entered in the middle is read as a
    /// whole.
    pub(crate) fn new(source: &Arc<Source>, start: u64, end: u64) -> Self {
        let form = &source.form;
        let bytes = match (form.format, form.compression) {
            (Format::Xlsx, _) => ListBytes::Workbook(Some(Arc::clone(source))),
            (_, Compression::None) if form.has_places() => {
                ListBytes::Stored(Pieces::new(source, start, end))
            }
            (_, Compression::None) => ListBytes::Stored(Pieces::new(source, 0, source.length)),
            (_, Compression::Gzip | Compression::Zstd) => {
                ListBytes::Unpacked(Unpacker::new(source))
            }
        };
        let transcoder = (!form.encoding.is_utf8()).then(|| Transcoder::new(form.encoding));
        Self { bytes, transcoder }
    }

    /// The next bytes, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let chunk = self.bytes.next().await?;
            let Some(transcoder) = &mut self.transcoder else {
                return Ok(chunk);
            };
            let is_last = chunk.is_none();
            let text = transcoder.transcode(&chunk.unwrap_or_default(), is_last);
            if is_last {
                self.transcoder = None;
            }
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
    }
}

impl ListBytes {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match self {
            Self::Stored(pieces) => pieces.next().await,
            Self::Unpacked(unpacker) => {
                let mut chunk = BytesMut::with_capacity(UNPACKED_CHUNK_BYTES);
                while chunk.len() < UNPACKED_CHUNK_BYTES && unpacker.read(&mut chunk).await? {}
                Ok(Some(chunk.freeze()).filter(|chunk| !chunk.is_empty()))
            }
            Self::Workbook(source) => match source.take() {
                Some(source) => sheet::read(&source).await.map(Some),
                None => Ok(None),
            },
        }
    }
}
