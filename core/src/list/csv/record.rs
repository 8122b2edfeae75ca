//! The state machine of CSV: bytes in, the fields of one record out.
//!
//! It takes a quote for the beginning of a quoted field only in front of a field. It ends such a
//! field only at a quote with a separator, a line end or the list's end behind it. Anything else
//! means that a quote is not where its writer meant it, and from there on nobody knows where rows
//! end. Then the whole list is refused.

use super::super::cursor::Cursor;
use super::super::error::ListError;
use super::super::row::Fields;
use super::people::{Column, names_somebody};

/// Reads one record after the other. Quotes can make a record several lines of the list.
pub(super) struct RecordReader {
    dialect: Dialect,
    state: State,
    /// The fields, with one separator behind each but the last.
    text: Vec<u8>,
    /// Where each field ends in `text`.
    ends: Vec<usize>,
    /// Where the field that is being read begins in `text`.
    field_start: usize,
    /// Whether the quoted field has line ends.
    has_lines: bool,
    /// Whether a quoted field of this record ends with a backslash.
    backslash: bool,
}

/// How the records of a list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between two fields.
    pub(super) separator: u8,
    /// What the lines below an open quote are searched for, or `None` where no quote can be open
    /// by mistake: a workbook's cells have their ends.
    pub(super) recipients: Option<Column>,
}

/// What the next byte is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The front of a field: nothing or only blanks have been read of it.
    Front,
    /// A field without quotes around it.
    Plain,
    /// A quoted field.
    Quoted,
    /// A quoted field, behind a quote that is its end or the first of two.
    Quote,
}

impl RecordReader {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: State::Front,
            text: Vec::new(),
            ends: Vec::new(),
            field_start: 0,
            has_lines: false,
            backslash: false,
        }
    }

    /// The fields of the record that was read, or `None` where one of them is not UTF-8.
    pub(super) fn fields(&self) -> Option<Fields<'_>> {
        Fields::new(&self.text, &self.ends)
    }

    /// The bytes of the record that was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Reads up to the end of the record, or returns `false` where the record is not complete.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        last: bool,
    ) -> Result<bool, ListError> {
        if !cursor.is_inside_row() {
            self.clear();
            cursor.skip_line_ends(input);
            if self.read_line_without_quotes(cursor, input)? {
                return Ok(true);
            }
        }
        if self.parse(cursor, input)? {
            return Ok(true);
        }
        if !last || !cursor.is_inside_row() {
            return Ok(false);
        }
        // The list's last record may lack its line end.
        if self.state == State::Quoted {
            return Err(ListError::OpenQuote(cursor.place()));
        }
        self.end_field(cursor)?;
        Ok(true)
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.backslash = false;
        self.begin_field();
    }

    /// Nearly all records are one line without quotes, and this is much quicker than the states.
    fn read_line_without_quotes(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
    ) -> Result<bool, ListError> {
        let Some(at) = memchr::memchr3(b'\n', b'\r', b'"', input) else {
            return Ok(false);
        };
        let (line, rest) = input.split_at(at);
        let Some((&end @ (b'\n' | b'\r'), rest)) = rest.split_first() else {
            return Ok(false);
        };
        *input = rest;
        cursor.pass(at)?;
        cursor.pass_line_end(end)?;
        self.text.extend_from_slice(line);
        self.ends
            .extend(memchr::memchr_iter(self.dialect.separator, line));
        self.ends.push(line.len());
        Ok(true)
    }

    /// Parses up to the end of the record, or returns `false` where `input` ends before it.
    fn parse(&mut self, cursor: &mut Cursor, input: &mut &[u8]) -> Result<bool, ListError> {
        while let Some((&byte, rest)) = input.split_first() {
            match (self.state, byte) {
                (State::Front | State::Plain | State::Quote, b'\n' | b'\r') => {
                    *input = rest;
                    cursor.pass_line_end(byte)?;
                    self.end_field(cursor)?;
                    return Ok(true);
                }
                (State::Front | State::Plain | State::Quote, _)
                    if byte == self.dialect.separator =>
                {
                    *input = rest;
                    cursor.pass(1)?;
                    self.end_field(cursor)?;
                    self.text.push(byte);
                    self.begin_field();
                }
                (State::Front, b'"') => {
                    // The blanks before a quote are no part of the field.
                    *input = rest;
                    cursor.pass(1)?;
                    self.text.truncate(self.field_start);
                    self.state = State::Quoted;
                }
                (State::Front, b' ' | b'\t') => self.take(cursor, input, 1)?,
                (State::Front, _) => self.state = State::Plain,
                (State::Plain, _) => {
                    let end = memchr::memchr3(self.dialect.separator, b'\n', b'\r', input);
                    self.take_plain(cursor, input, end.unwrap_or(input.len()))?;
                }
                (State::Quoted, b'"') => {
                    *input = rest;
                    cursor.pass(1)?;
                    self.state = State::Quote;
                }
                (State::Quoted, b'\n' | b'\r') => {
                    *input = rest;
                    cursor.pass_line_end(byte)?;
                    self.text.push(byte);
                    self.has_lines = true;
                }
                (State::Quoted, _) => {
                    let end = memchr::memchr3(b'"', b'\n', b'\r', input);
                    self.take(cursor, input, end.unwrap_or(input.len()))?;
                }
                (State::Quote, b'"') => {
                    self.take(cursor, input, 1)?;
                    self.state = State::Quoted;
                }
                (State::Quote, _) => return Err(ListError::StrayQuote(cursor.place())),
            }
        }
        Ok(false)
    }

    /// Takes so many bytes of the field.
    fn take(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        bytes: usize,
    ) -> Result<(), ListError> {
        let (taken, rest) = input.split_at(bytes);
        *input = rest;
        cursor.pass(bytes)?;
        self.text.extend_from_slice(taken);
        Ok(())
    }

    /// Takes so many bytes of a field without quotes around it. A quote among them is text.
    ///
    /// But some programs write `"a \", b"` for what is `"a "", b"` in CSV. So a quote behind a
    /// field that ended with a backslash is a sign that the field did not end there.
    fn take_plain(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        bytes: usize,
    ) -> Result<(), ListError> {
        let start = self.text.len();
        self.take(cursor, input, bytes)?;
        let (_, taken) = self.text.split_at(start);
        if self.backslash && memchr::memchr(b'"', taken).is_some() {
            return Err(ListError::StrayQuote(cursor.place()));
        }
        Ok(())
    }

    fn begin_field(&mut self) {
        self.state = State::Front;
        self.field_start = self.text.len();
        self.has_lines = false;
    }

    fn end_field(&mut self, cursor: &Cursor) -> Result<(), ListError> {
        if self.state == State::Quote {
            let (_, field) = self.text.split_at(self.field_start);
            if self.has_lines
                && let Some(column) = self.dialect.recipients
                && names_somebody(field, self.dialect.separator, column)
            {
                return Err(ListError::QuotedRows(cursor.place()));
            }
            self.backslash |= field.ends_with(b"\\");
        }
        self.ends.push(self.text.len());
        Ok(())
    }
}
