//! The bytes of a slice become rows.

use std::sync::Arc;

use aws_config::SdkConfig;
use bytes::{Buf, Bytes};
use fanline_core::campaign::Campaign;
use fanline_core::list::{Header, ListError, ListReader, Parsed, Place};
use fanline_core::surroundings::Random;
use fanline_ledger::ListVersion;
use jiff::Timestamp;
use serde_json::Value;

use crate::list::chunks::Chunks;
use crate::list::slice::OpenSlice;
use crate::list::source::SourceError;
use crate::list::store::ListStore;

/// Where a row stands in its list, as people count. [`Place`] without its byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowNumber {
    pub(crate) row: u64,
    pub(crate) line: u64,
}

impl From<Place> for RowNumber {
    fn from(place: Place) -> Self {
        Self {
            row: place.row,
            line: place.line,
        }
    }
}

/// The rows of a slice, in order.
///
/// [`Rows::fill`] brings bytes and [`Rows::next`] takes rows out of them, by turns, until `fill`
/// has no more bytes.
pub(crate) struct Rows {
    chunks: Chunks,
    reader: ListReader,
    chunk: Bytes,
    /// Whether the list ends with `chunk`.
    is_last: bool,
    /// Whether the header has been checked, or there is none.
    is_header_checked: bool,
    list: String,
}

/// Why no more rows can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes are not a list.
    #[error("`{list}`: {error}")]
    List {
        /// The name of the list.
        list: String,
        /// What is wrong with it, and where.
        error: Box<ListError>,
    },
}

impl Rows {
    /// The rows of this slice.
    pub(crate) fn new(open: &OpenSlice) -> Self {
        let (source, slice) = (&open.source, &open.slice);
        let mut reader = match &slice.header {
            None if slice.start == Place::START => ListReader::new(source.form.format),
            header => ListReader::resume(source.form.format, slice.start, header.clone()),
        };
        reader.set_encoding(source.form.encoding);
        Self {
            chunks: Chunks::new(source, slice.start.byte, open.end()),
            reader,
            chunk: Bytes::new(),
            is_last: false,
            is_header_checked: false,
            list: source.name.clone(),
        }
    }

    /// Brings the next bytes, and checks the header once it is there. Returns `false` when there
    /// are no more bytes and every row has been taken.
    pub(crate) async fn fill(
        &mut self,
        check_header: impl Fn(&Header) -> Result<(), ListError>,
    ) -> Result<bool, ReadError> {
        if self.is_last {
            return Ok(false);
        }
        match self.chunks.next().await? {
            Some(chunk) => self.chunk = chunk,
            None => self.is_last = true,
        }
        self.read_header(check_header)
            .map_err(|error| list_error(&self.list, error))?;
        Ok(true)
    }

    fn read_header(
        &mut self,
        check_header: impl Fn(&Header) -> Result<(), ListError>,
    ) -> Result<(), ListError> {
        if self.is_header_checked {
            return Ok(());
        }
        let mut input = self.chunk.as_ref();
        let before = input.len();
        self.is_header_checked = self.reader.read_header(&mut input, self.is_last)?;
        let taken = before - input.len();
        self.chunk.advance(taken);
        if let Some(header) = self.reader.header() {
            check_header(header)?;
        }
        Ok(())
    }

    /// The next row of the bytes at hand, or `None` where more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Parsed<'_>>, ReadError> {
        let mut input = self.chunk.as_ref();
        let before = input.len();
        let parsed = self
            .reader
            .next(&mut input, self.is_last)
            .map_err(|error| list_error(&self.list, error))?;
        self.chunk.advance(before - input.len());
        Ok(parsed)
    }

    /// Where the next row begins.
    pub(crate) fn next_place(&self) -> Place {
        self.reader.next_place()
    }

    /// The column names, once they have been read.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.reader.header()
    }
}

/// The rows of a list that a run has read, once more: for whoever joins them with what became of
/// their people.
pub struct ListRows(Rows);

impl ListRows {
    /// Opens the list of a campaign. `version`: the version that the run has read, also where the
    /// list was replaced since, if its bucket keeps versions. Without it the list is taken as it is
    /// now. A campaign may name a file.
    pub async fn open(
        config: &SdkConfig,
        campaign: Campaign,
        version: Option<&ListVersion>,
    ) -> Result<Self, SourceError> {
        let random = Random::default();
        let store = ListStore::new(config, true, random);
        let source = match version {
            Some(version) => {
                let version_id = version.version_id.as_deref();
                store
                    .open_version(&campaign, &version.etag, version_id)
                    .await?
            }
            None => store.open(&campaign).await?,
        };
        let (campaign, source) = (Arc::new(campaign), Arc::new(source));
        let open = OpenSlice::whole_list(campaign, Value::Null, source, Timestamp::UNIX_EPOCH, 0);
        Ok(Self(Rows::new(&open)))
    }

    /// Brings the next bytes. `false`: there are none, and every row has been taken.
    pub async fn fill(&mut self) -> Result<bool, ReadError> {
        self.0.fill(|_| Ok(())).await
    }

    /// The next row of the bytes at hand; `None` where more bytes are needed.
    pub fn next_row(&mut self) -> Result<Option<Parsed<'_>>, ReadError> {
        self.0.next()
    }

    /// The column names, once they have been read. NDJSON has none.
    pub fn header(&self) -> Option<&Header> {
        self.0.header()
    }
}

fn list_error(list: &str, error: ListError) -> ReadError {
    ReadError::List {
        list: list.into(),
        error: error.into(),
    }
}
