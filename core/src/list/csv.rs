//! CSV: a header, and then one record for each row. <https://www.rfc-editor.org/rfc/rfc4180>

use csv_core::ReadRecordResult;

use super::cursor::Cursor;
use super::error::{ListError, RowError};
use super::row::{CsvRecord, Fields, Header, Parsed, Row};

/// Reads CSV row by row and holds one row.
pub(super) struct CsvReader {
    header: Option<Header>,
    records: RecordReader,
}

impl CsvReader {
    /// A reader that knows the header, or finds it in front of the first row.
    pub(super) fn new(header: Option<Header>) -> Self {
        Self {
            header,
            records: RecordReader::new(),
        }
    }

    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The next row, or `None` where `input` has been read and the row is not complete.
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'_>>, ListError> {
        let header = match &mut self.header {
            Some(header) => header,
            unread => {
                if !self.records.read(cursor, input, last)? {
                    return if last {
                        Err(ListError::Empty)
                    } else {
                        Ok(None)
                    };
                }
                cursor.end_line();
                let fields = self.records.fields().ok_or(ListError::HeaderNotUtf8)?;
                unread.insert(Header::new(fields)?)
            }
        };
        if !self.records.read(cursor, input, last)? {
            return Ok(None);
        }
        let fields = self.records.fields().ok_or(RowError::NotUtf8);
        Ok(Some(Parsed {
            place: cursor.end_row(),
            row: fields
                .and_then(|fields| CsvRecord::new(header, fields))
                .map(Row::Csv),
        }))
    }
}

/// Reads the header or one record. Quotes can make a record several lines of the list.
struct RecordReader {
    parser: Box<csv_core::Reader>,
    /// The fields, one behind the other, and room for more.
    text: Vec<u8>,
    text_len: usize,
    /// Where each field ends in `text`, and room for more.
    ends: Vec<usize>,
    ends_len: usize,
}

impl RecordReader {
    fn new() -> Self {
        let mut parser = csv_core::Reader::new();
        // `ListReader` skips the byte order mark. The parser skips one too, if it is whole in its
        // first input, which can be any row of the list. So its first input is a blank line.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            parser: Box::new(parser),
            text: vec![0; 4096],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
        }
    }

    /// The fields of the record that was read, or `None` where one of them is not UTF-8.
    fn fields(&self) -> Option<Fields<'_>> {
        let (text, _) = self.text.split_at(self.text_len);
        let (ends, _) = self.ends.split_at(self.ends_len);
        Fields::new(text, ends)
    }

    /// Reads up to the end of the record, or returns `false` where the record is not complete.
    fn read(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        last: bool,
    ) -> Result<bool, ListError> {
        if !cursor.is_inside_row() {
            (self.text_len, self.ends_len) = (0, 0);
            skip_line_ends(cursor, input);
        }
        let (length, line) = (input.len(), self.parser.line());
        let is_complete = self.parse(input);
        cursor.pass(length - input.len(), self.parser.line() - line)?;
        if is_complete || !last || !cursor.is_inside_row() {
            return Ok(is_complete);
        }
        // The list's last record may lack its line end. With one, only an open quote goes on.
        if self.parse(&mut b"\n".as_slice()) {
            Ok(true)
        } else {
            Err(ListError::OpenQuote(cursor.place()))
        }
    }

    /// Parses up to the end of the record, or returns `false` where `input` ends before it.
    fn parse(&mut self, input: &mut &[u8]) -> bool {
        // The parser takes an empty input for the end of the list.
        while !input.is_empty() {
            let (_, text_room) = self.text.split_at_mut(self.text_len);
            let (_, ends_room) = self.ends.split_at_mut(self.ends_len);
            let (result, read, written, ended) =
                self.parser.read_record(input, text_room, ends_room);
            (_, *input) = input.split_at(read);
            self.text_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
        false
    }
}

/// Skips line ends in front of a record: the second half of a CRLF, and blank lines.
fn skip_line_ends(cursor: &mut Cursor, input: &mut &[u8]) {
    while let Some((end @ (b'\r' | b'\n'), rest)) = input.split_first() {
        cursor.skip(1, u64::from(*end == b'\n'));
        *input = rest;
    }
}
