//! What the check found out about each row of a list or a slice.

use serde::{Deserialize, Serialize};

use crate::list::row_set::RowSet;

/// What a check found. Each row is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// All rows.
    pub rows: u64,
    /// Rows that can't be sent.
    pub rejected: u64,
    /// Rows whose recipient has an earlier row.
    pub duplicates: u64,
}

impl Checked {
    /// How many people the campaign can be sent to.
    pub fn recipients(&self) -> u64 {
        self.rows - self.rejected - self.duplicates
    }
}

/// Rows that have been checked, and which of them are not sent. The first row has number 0.
///
/// A slice carries this through the slice queue. So it is sent as the check of the whole list found
/// it: a person who is on the list twice is sent from one slice only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckedRows {
    rows: u64,
    /// The rows at which a window of the list ends, but for the last. At the end of a window,
    /// groups that are not full go out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    window_ends: Vec<u64>,
    rejected: RowSet,
    duplicates: RowSet,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowFate {
    /// It is sent.
    Sent,
    /// It can't be sent.
    Rejected,
    /// An earlier row has its recipient.
    Duplicate,
}

impl CheckedRows {
    /// So many rows in windows that end at these rows. `duplicates` may have rejected rows in it.
    pub(crate) fn new(
        rows: u64,
        window_ends: Vec<u64>,
        rejected: RowSet,
        duplicates: RowSet,
    ) -> Self {
        Self {
            rows,
            window_ends,
            rejected,
            duplicates,
        }
    }

    /// The counts.
    pub(crate) fn counts(&self) -> Checked {
        Checked {
            rows: self.rows,
            rejected: self.rejected.len(),
            duplicates: self.duplicates.len(),
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// What becomes of a row.
    pub(crate) fn fate(&self, row: u64) -> RowFate {
        if self.rejected.contains(row) {
            RowFate::Rejected
        } else if self.duplicates.contains(row) {
            RowFate::Duplicate
        } else {
            RowFate::Sent
        }
    }

    /// Whether a window ends behind this row.
    pub(crate) fn ends_window(&self, row: u64) -> bool {
        row + 1 == self.rows || self.window_ends.binary_search(&(row + 1)).is_ok()
    }

    /// These rows as a slice of their own. A slice is one window.
    pub(crate) fn slice(&self, first: u64, rows: u64) -> Self {
        Self {
            rows,
            window_ends: Vec::new(),
            rejected: self.rejected.part(first, rows),
            duplicates: self.duplicates.part(first, rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[u64]) -> RowSet {
        let mut set = RowSet::default();
        for row in rows {
            set.insert(*row);
        }
        set
    }

    #[test]
    fn each_row_has_one_fate_and_the_slices_of_a_list_have_the_same() {
        let all = CheckedRows::new(100, vec![40, 80], set(&[3, 70]), set(&[41, 99]));
        let counts = Checked {
            rows: 100,
            rejected: 2,
            duplicates: 2,
        };
        assert_eq!((all.counts(), counts.recipients()), (counts, 96));
        assert_eq!(all.fate(3), RowFate::Rejected);
        assert_eq!(all.fate(41), RowFate::Duplicate);
        let ends: Vec<u64> = (0..100).filter(|row| all.ends_window(*row)).collect();
        assert_eq!(ends, [39, 79, 99]);
        let (one, two) = (all.slice(0, 41), all.slice(41, 59));
        for row in 0..100 {
            let of_slice = if row < 41 {
                one.fate(row)
            } else {
                two.fate(row - 41)
            };
            assert_eq!(of_slice, all.fate(row), "{row}");
        }
        assert_eq!(two.counts().recipients(), 56);
        assert!(two.ends_window(58) && !two.ends_window(38));
    }

    #[test]
    fn the_message_of_a_slice_is_pinned() {
        let rows = CheckedRows::new(100, Vec::new(), set(&[3]), RowSet::default());
        let json = r#"{"rows":100,"rejected":"AAM=","duplicates":"AA=="}"#;
        assert_eq!(serde_json::to_string(&rows).unwrap(), json);
        assert_eq!(serde_json::from_str::<CheckedRows>(json).unwrap(), rows);
    }
}
