//! CSV: a header, and then one record for each row. <https://www.rfc-editor.org/rfc/rfc4180>

mod opening;
mod people;
mod record;

use super::cursor::Cursor;
use super::encoding::{Encoding, Guess};
use super::error::{ListError, NotText, RowError};
use super::header::Header;
use super::row::{CsvRecord, Parsed, Row};
use opening::{MAX_OPENING_BYTES, recipients};
use record::{Dialect, RecordReader};

/// Reads CSV row by row and holds one row, and the list's beginning until its header is known.
pub(super) struct CsvReader {
    /// The header and the rows, once the header is known.
    rows: Option<Rows>,
    beginning: Beginning,
    /// Whether the list is a workbook's sheet.
    is_workbook: bool,
    guess: Guess,
}

/// The header and the reader of the rows below it.
struct Rows {
    header: Header,
    records: RecordReader,
}

impl Rows {
    fn new(header: Header, is_workbook: bool) -> Self {
        let dialect = Dialect {
            separator: header.separator(),
            recipients: (!is_workbook).then(|| recipients(&header)),
        };
        Self {
            header,
            records: RecordReader::new(dialect),
        }
    }
}

/// The list's beginning, which is kept until its rows have been read.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
    /// How many of the bytes have been read.
    read: usize,
}

impl CsvReader {
    /// A reader that knows the header, or finds it in front of the first row.
    pub(super) fn new(header: Option<Header>) -> Self {
        Self {
            rows: header.map(|header| Rows::new(header, false)),
            beginning: Beginning::default(),
            is_workbook: false,
            guess: Guess::default(),
        }
    }

    /// A reader for a sheet that was written as CSV.
    pub(super) fn of_workbook() -> Self {
        Self {
            is_workbook: true,
            ..Self::new(None)
        }
    }

    pub(super) fn header(&self) -> Option<&Header> {
        self.rows.as_ref().map(|rows| &rows.header)
    }

    /// Reads up to the end of the header, or returns `false` where `input` has been read and the
    /// header is not known yet.
    pub(super) fn read_header(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        input: &mut &[u8],
        last: bool,
    ) -> Result<bool, ListError> {
        if self.rows.is_some() {
            return Ok(true);
        }
        // The beginning always has the same length, whatever the size of the chunks.
        let Beginning { bytes, read } = &mut self.beginning;
        let missing = MAX_OPENING_BYTES - bytes.len();
        let (taken, rest) = input.split_at(missing.min(input.len()));
        bytes.extend_from_slice(taken);
        *input = rest;
        let is_whole = last && input.is_empty();
        if bytes.len() < MAX_OPENING_BYTES && !is_whole {
            return Ok(false);
        }
        let opening = opening::find(bytes, is_whole, cursor, encoding)?;
        *read = opening.bytes;
        *cursor = opening.cursor;
        self.rows = Some(Rows::new(opening.header, self.is_workbook));
        Ok(true)
    }

    /// The next row, or `None` where `input` has been read and the row is not complete.
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'_>>, ListError> {
        if !self.read_header(cursor, encoding, input, last)? {
            return Ok(None);
        }
        let Some(Rows { header, records }) = &mut self.rows else {
            return Ok(None);
        };
        loop {
            if !read_record(records, &mut self.beginning, cursor, input, last)? {
                return Ok(None);
            }
            // Spreadsheets export the empty rows that they show.
            if records.fields().is_none_or(|fields| !fields.are_blank()) {
                break;
            }
            cursor.end_line();
        }
        let row = if let Some(fields) = records.fields() {
            CsvRecord::new(header, fields).map(Row::Csv)
        } else {
            let problem = NotText::new(encoding, &mut self.guess, records.bytes());
            Err(RowError::NotText(problem))
        };
        Ok(Some(Parsed {
            place: cursor.end_row(),
            row,
        }))
    }
}

/// Reads up to the end of a record, or returns `false` where the record is not complete.
fn read_record(
    records: &mut RecordReader,
    beginning: &mut Beginning,
    cursor: &mut Cursor,
    input: &mut &[u8],
    last: bool,
) -> Result<bool, ListError> {
    let (_, mut rest) = beginning.bytes.split_at(beginning.read);
    if !rest.is_empty() {
        let is_complete = records.read(cursor, &mut rest, last && input.is_empty())?;
        beginning.read = beginning.bytes.len() - rest.len();
        if is_complete {
            return Ok(true);
        }
    }
    records.read(cursor, input, last)
}
