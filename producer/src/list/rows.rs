//! Bytes in, rows out, the header checked.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use fanline_core::list::{Format, Header, ListError, ListReader, Parsed, Place};

use crate::check::row_rules::Rules;
use crate::list::chunks::Chunks;
use crate::list::slice::Slice;
use crate::list::source::{Source, SourceError};

/// The rows of a slice, one after the other.
///
/// [`Rows::fill`] brings bytes, [`Rows::next`] takes rows out of them, by turns until `fill` has no more.
pub(crate) struct Rows {
    chunks: Chunks,
    reader: ListReader,
    chunk: Bytes,
    /// Whether `chunk` is what the list ends with.
    last: bool,
    /// Reads ahead for the header alone, until it has been found good; NDJSON has none.
    probe: Option<ListReader>,
    list: String,
}

/// Why the rows of a list end too early.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes can't be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes are no list.
    #[error("`{list}`: {error}")]
    List {
        /// The list as people name it.
        list: String,
        /// What is wrong with it, and where.
        error: ListError,
    },
}

impl Rows {
    pub(crate) fn new(source: &Arc<Source>, slice: &Slice) -> Self {
        let reader = || match &slice.header {
            None if slice.start == Place::START => ListReader::new(source.format),
            header => ListReader::resume(source.format, slice.start, header.clone()),
        };
        Self {
            chunks: Chunks::new(source, slice.start.byte, slice.end.unwrap_or(source.length)),
            reader: reader(),
            chunk: Bytes::new(),
            last: false,
            probe: (source.format == Format::Csv).then(reader),
            list: source.name.clone(),
        }
    }

    /// Brings the next bytes; `false` when there are no more and every row has been taken.
    pub(crate) async fn fill(&mut self, rules: &Rules<'_>) -> Result<bool, ReadError> {
        if self.last {
            return Ok(false);
        }
        if let Some(chunk) = self.chunks.next().await? {
            self.chunk = chunk;
        } else {
            self.last = true;
        }
        self.check_header(rules).map_err(|error| ReadError::List {
            list: self.list.clone(),
            error,
        })?;
        Ok(true)
    }

    fn check_header(&mut self, rules: &Rules<'_>) -> Result<(), ListError> {
        let Some(probe) = &mut self.probe else {
            return Ok(());
        };
        let mut input = self.chunk.as_ref();
        // One row, good or bad, is as far as the probe has to go.
        probe.next(&mut input, self.last)?;
        if let Some(header) = probe.header() {
            rules.header(header)?;
            self.probe = None;
        }
        Ok(())
    }

    /// The next row of the bytes at hand.
    pub(crate) fn next(&mut self) -> Result<Option<Parsed<'_>>, ReadError> {
        let mut input = self.chunk.as_ref();
        let before = input.len();
        let parsed = self
            .reader
            .next(&mut input, self.last)
            .map_err(|error| ReadError::List {
                list: self.list.clone(),
                error,
            })?;
        self.chunk.advance(before - input.len());
        Ok(parsed)
    }

    /// Where the row begins that comes next.
    pub(crate) fn next_place(&self) -> Place {
        self.reader.next_place()
    }

    /// The names of the columns, once they have been read.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.reader.header()
    }
}
