//! What the rows of a list come to, before anything is sent.

use std::fmt;

use fanline_producer::Checked;
use indicatif::HumanCount;
use serde::Serialize;

/// How many rows a list has, and what they come to. It is printed as a sum.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ListRows {
    rows: u64,
    pub(crate) recipients: u64,
    pub(crate) rejected: u64,
    duplicates: u64,
}

impl From<Checked> for ListRows {
    fn from(checked: Checked) -> Self {
        Self {
            rows: checked.rows,
            recipients: checked.recipients(),
            rejected: checked.rejected,
            duplicates: checked.duplicates,
        }
    }
}

impl fmt::Display for ListRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows = {} recipients + {} that can't be sent + {} duplicates",
            HumanCount(self.rows),
            HumanCount(self.recipients),
            HumanCount(self.rejected),
            HumanCount(self.duplicates)
        )
    }
}
