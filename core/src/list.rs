//! Bytes of a recipient list in, rows out, wherever the bytes come from.
//!
//! - [`ListReader`]: the reader, for all formats
//! - [`Format`], [`Compression`], [`Encoding`]: how a list is written; [`Content`]: what its first
//!   bytes say about that; [`Transcoder`]: other encodings become UTF-8
//! - [`Parsed`], [`Row`], [`Header`]: what the reader returns
//! - [`Place`]: where a row is
//! - [`ListError`], [`RowError`]: what can be wrong with a list, and with one row

mod csv;
mod cursor;
mod encoding;
mod error;
mod first_bytes;
mod format;
mod header;
mod json_row;
mod json_value;
mod names;
mod ndjson;
mod place;
mod row;

pub use encoding::{Encoding, Transcoder};
pub use error::{ListError, NotText, RowError};
pub use first_bytes::{Content, FIRST_BYTES};
pub use format::{Compression, Format};
pub use header::Header;
pub use json_row::JsonRow;
pub use names::ColumnNames;
pub use place::Place;
pub use row::{CsvRecord, Parsed, Row};

use csv::CsvReader;
use cursor::Cursor;
use ndjson::NdjsonReader;

/// Reads rows out of chunks of bytes.
///
/// The reader is fed chunks of any size and returns rows. It holds the list's beginning until the
/// header is known, and then one row at a time. So the same code reads an S3 object, a file, and a
/// slice of either.
pub struct ListReader {
    syntax: Syntax,
    cursor: Cursor,
    encoding: Encoding,
}

enum Syntax {
    Csv(CsvReader),
    Ndjson(NdjsonReader),
}

impl ListReader {
    /// A reader for a list from its first byte. The sheet of a workbook is read as the CSV that it
    /// was made into.
    pub fn new(format: Format) -> Self {
        match format {
            Format::Csv | Format::Ndjson => Self::resume(format, Place::START, None),
            Format::Xlsx => Self {
                syntax: Syntax::Csv(CsvReader::of_workbook()),
                cursor: Cursor::of_workbook(),
                encoding: Encoding::UTF_8,
            },
        }
    }

    /// A reader for a slice that begins with the row at `place`. CSV needs the list's header.
    pub fn resume(format: Format, place: Place, header: Option<Header>) -> Self {
        Self {
            syntax: match format {
                Format::Csv | Format::Xlsx => Syntax::Csv(CsvReader::new(header)),
                Format::Ndjson => Syntax::Ndjson(NdjsonReader::new()),
            },
            cursor: Cursor::new(place),
            encoding: Encoding::UTF_8,
        }
    }

    /// Says in which encoding the list is, for errors. The reader itself takes UTF-8.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// The header, once it has been read. NDJSON has none.
    pub fn header(&self) -> Option<&Header> {
        match &self.syntax {
            Syntax::Csv(csv) => csv.header(),
            Syntax::Ndjson(_) => None,
        }
    }

    /// The place of the next row: the end of what has been read.
    pub fn next_place(&self) -> Place {
        self.cursor.place()
    }

    /// Takes bytes from the front of `input` up to the end of the header at least, and returns
    /// `false` where all of `input` is taken and the header is not known yet. `last` is that of
    /// [`ListReader::next`].
    pub fn read_header(&mut self, input: &mut &[u8], last: bool) -> Result<bool, ListError> {
        match &mut self.syntax {
            Syntax::Csv(csv) => csv.read_header(&mut self.cursor, self.encoding, input, last),
            Syntax::Ndjson(_) => Ok(true),
        }
    }

    /// Takes bytes from the front of `input` and returns the next row, or `None` when all of
    /// `input` is taken.
    ///
    /// `last` says that the list ends where `input` does. A CSV list that ends without a header is
    /// an error. After an error the rest of the list can't be read.
    pub fn next<'a>(
        &'a mut self,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'a>>, ListError> {
        let (cursor, encoding) = (&mut self.cursor, self.encoding);
        match &mut self.syntax {
            Syntax::Csv(csv) => csv.next(cursor, encoding, input, last),
            Syntax::Ndjson(ndjson) => ndjson.next(cursor, encoding, input, last),
        }
    }
}
