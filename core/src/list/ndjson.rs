//! NDJSON: one JSON object in each line.

use serde_json::{Map, Value};

use super::cursor::Cursor;
use super::error::{ListError, RowError};
use super::row::{Parsed, Row};

/// Reads NDJSON row by row and holds one row.
pub(super) struct NdjsonReader {
    line: Vec<u8>,
    object: Map<String, Value>,
}

impl NdjsonReader {
    pub(super) fn new() -> Self {
        Self {
            line: Vec::new(),
            object: Map::new(),
        }
    }

    /// The next row, or `None` where `input` has been read and the row is not complete.
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'_>>, ListError> {
        while self.read_line(cursor, input, last)? {
            if self.line.trim_ascii().is_empty() {
                cursor.end_line();
                continue;
            }
            return Ok(Some(Parsed {
                place: cursor.end_row(),
                row: self.row(),
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
        }
        let line_end = memchr::memchr(b'\n', input);
        let (line, rest) = input.split_at(line_end.map_or(input.len(), |at| at + 1));
        cursor.pass(line.len(), u64::from(line_end.is_some()))?;
        self.line.extend_from_slice(line);
        *input = rest;
        // The list's last line may lack its line end.
        Ok(line_end.is_some() || last && cursor.is_inside_row())
    }

    fn row(&mut self) -> Result<Row<'_>, RowError> {
        let text = str::from_utf8(&self.line).map_err(|_| RowError::NotUtf8)?;
        self.object = serde_json::from_str(text).map_err(|_| RowError::NotAnObject)?;
        Ok(Row::Json(&self.object))
    }
}
