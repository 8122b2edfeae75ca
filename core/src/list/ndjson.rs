//! NDJSON: one JSON object in each line.

use super::cursor::Cursor;
use super::encoding::{Encoding, Guess};
use super::error::{ListError, NotText, RowError};
use super::json_row::JsonRow;
use super::row::{Parsed, Row};
use crate::text::trim_marks;

/// Reads NDJSON row by row and holds one row.
pub(super) struct NdjsonReader {
    line: Vec<u8>,
    object: JsonRow,
    guess: Guess,
    is_begun: bool,
}

impl NdjsonReader {
    pub(super) fn new() -> Self {
        Self {
            line: Vec::new(),
            object: JsonRow::default(),
            guess: Guess::default(),
            is_begun: false,
        }
    }

    /// The next row, or `None` where `input` has been read and the row is not complete.
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor,
        encoding: Encoding,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'_>>, ListError> {
        while self.read_line(cursor, input, last)? {
            let row = self.read_row(encoding);
            if let Ok(false) = row {
                cursor.end_line();
                continue;
            }
            if !self.is_begun && is_array(&self.line) {
                return Err(ListError::JsonArray(cursor.place().line));
            }
            self.is_begun = true;
            return Ok(Some(Parsed {
                place: cursor.end_row(),
                row: row.map(|_| Row::Json(&self.object)),
            }));
        }
        Ok(None)
    }

    /// Reads up to the end of the line, or returns `false` where the line is not complete.
    fn read_line(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        last: bool,
    ) -> Result<bool, ListError> {
        if !cursor.is_inside_row() {
            self.line.clear();
            cursor.skip_line_ends(input);
        }
        let end = memchr::memchr2(b'\n', b'\r', input);
        let (line, rest) = input.split_at(end.unwrap_or(input.len()));
        *input = rest;
        cursor.pass(line.len())?;
        self.line.extend_from_slice(line);
        if let Some((&end, rest)) = input.split_first() {
            *input = rest;
            cursor.pass_line_end(end)?;
            return Ok(true);
        }
        // The list's last line may lack its line end.
        Ok(last && cursor.is_inside_row())
    }

    /// Reads the object in the line. Returns `false` where there is nothing in it.
    fn read_row(&mut self, encoding: Encoding) -> Result<bool, RowError> {
        let Ok(text) = str::from_utf8(&self.line) else {
            let problem = NotText::new(encoding, &mut self.guess, &self.line);
            return Err(RowError::NotText(problem));
        };
        let json = trim_marks(text);
        if json.is_empty() {
            return Ok(false);
        }
        self.object.read(json)?;
        Ok(!self.object.is_blank())
    }
}

/// Whether the line begins an array of objects.
fn is_array(line: &[u8]) -> bool {
    let line = str::from_utf8(line).map_or("", trim_marks);
    let inside = line.strip_prefix('[').map(str::trim_start);
    inside.is_some_and(|inside| inside.is_empty() || inside.starts_with('{'))
}
