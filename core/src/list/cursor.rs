//! How far a reader has come in the list.

use super::error::ListError;
use super::place::Place;

/// A longer row does not fit a queue message, since SQS takes 1 MiB. It is more likely that a quote
/// was not closed.
pub(super) const MAX_ROW_BYTES: u64 = 1024 * 1024;

/// The place of the row that is being read, and how much of the row has been read.
pub(super) struct Cursor {
    place: Place,
    row_bytes: u64,
    row_lines: u64,
}

impl Cursor {
    /// A cursor in front of the row at `place`.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            row_bytes: 0,
            row_lines: 0,
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

    /// Passes bytes of the row, and the line ends among them.
    ///
    /// A row that is too long is an error even where its end has been read too: the size of the
    /// chunks must not decide whether a list is good.
    pub(super) fn pass(&mut self, bytes: usize, lines: u64) -> Result<(), ListError> {
        self.row_bytes += bytes as u64;
        self.row_lines += lines;
        if self.row_bytes > MAX_ROW_BYTES {
            return Err(ListError::RowTooLong(self.place));
        }
        Ok(())
    }

    /// Ends the row, and returns where it began.
    pub(super) fn end_row(&mut self) -> Place {
        let place = self.place;
        self.end_line();
        self.place.row += 1;
        place
    }

    /// Ends what is not a row: the header or a blank line.
    pub(super) fn end_line(&mut self) {
        self.place.byte += std::mem::take(&mut self.row_bytes);
        self.place.line += std::mem::take(&mut self.row_lines);
    }

    /// Passes bytes that belong to no row, and the line ends among them.
    pub(super) fn skip(&mut self, bytes: usize, lines: u64) {
        self.place.byte += bytes as u64;
        self.place.line += lines;
    }
}
