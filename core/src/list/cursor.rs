//! How far a reader has come in the list.

use super::error::ListError;
use super::place::Place;

/// A longer row does not fit a queue message, since SQS takes 1 MiB. It is more likely that a quote
/// was not closed.
pub(super) const MAX_ROW_BYTES: u64 = 1024 * 1024;

/// The place of the row that is being read, and how much of the row has been read.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    place: Place,
    row_bytes: u64,
    row_lines: u64,
    /// Whether the last byte was a CR. An LF behind it is the second half of one line end.
    after_cr: bool,
    /// Whether each row is a line, however many line ends are in it: a row of a workbook.
    counts_rows: bool,
}

impl Cursor {
    /// A cursor in front of the row at `place`.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            row_bytes: 0,
            row_lines: 0,
            after_cr: false,
            counts_rows: false,
        }
    }

    /// A cursor whose lines are the rows of a workbook.
    pub(super) fn of_workbook() -> Self {
        Self {
            counts_rows: true,
            ..Self::new(Place::START)
        }
    }

    /// Where the row that is being read begins.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether a part of a row has been read and its end has not.
    pub(super) fn is_inside_row(&self) -> bool {
        self.row_bytes > 0
    }

    /// Passes bytes of the row. No line end is among them.
    ///
    /// A row that is too long is an error even where its end has been read too: the size of the
    /// chunks must not decide whether a list is good.
    pub(super) fn pass(&mut self, bytes: usize) -> Result<(), ListError> {
        if bytes > 0 {
            self.after_cr = false;
        }
        self.row_bytes += bytes as u64;
        if self.row_bytes > MAX_ROW_BYTES {
            return Err(ListError::RowTooLong(self.place));
        }
        Ok(())
    }

    /// Passes a line end of the row: an LF or a CR. Together they are one line end.
    pub(super) fn pass_line_end(&mut self, byte: u8) -> Result<(), ListError> {
        let is_second_half = byte == b'\n' && self.after_cr;
        self.pass(1)?;
        self.row_lines += u64::from(!is_second_half);
        self.after_cr = byte == b'\r';
        Ok(())
    }

    /// Ends the row, and returns where it began.
    pub(super) fn end_row(&mut self) -> Place {
        let place = self.place;
        self.end_line();
        self.place.row += 1;
        place
    }

    /// Ends what is not a row, such as a blank line.
    pub(super) fn end_line(&mut self) {
        let lines = std::mem::take(&mut self.row_lines);
        self.place.line += if self.counts_rows { 1 } else { lines };
        self.place.byte += std::mem::take(&mut self.row_bytes);
    }

    /// Skips line ends in front of a row: the second half of a CRLF, and blank lines.
    pub(super) fn skip_line_ends(&mut self, input: &mut &[u8]) {
        while let Some((end @ (b'\r' | b'\n'), rest)) = input.split_first() {
            let is_second_half = *end == b'\n' && self.after_cr;
            self.skip(1, u64::from(!is_second_half));
            self.after_cr = *end == b'\r';
            *input = rest;
        }
    }

    /// Passes bytes that belong to no row, and the line ends among them.
    pub(super) fn skip(&mut self, bytes: usize, lines: u64) {
        self.place.byte += bytes as u64;
        self.place.line += lines;
    }
}
