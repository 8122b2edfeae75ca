//! Where a row is in the list.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a row begins. It counts from the beginning of the whole list, also in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The row's number; the first row after the header is 1.
    pub row: u64,
    /// The line on which the row begins; the list's first line is 1.
    pub line: u64,
    /// The byte at which the row begins; the list's first byte is 0.
    pub byte: u64,
}

impl Place {
    /// The beginning of a list.
    pub const START: Self = Self {
        row: 1,
        line: 1,
        byte: 0,
    };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} (line {})", self.row, self.line)
    }
}
