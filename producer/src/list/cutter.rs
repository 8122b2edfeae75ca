//! How a long list is cut into slices.

use std::num::NonZeroU64;

use fanline_core::list::{Header, Place};
use fanline_ledger::{SliceId, SliceLine, SliceLines};

use crate::list::checked_rows::CheckedRows;
use crate::list::slice::{OpenSlice, Slice};

/// A list that has been checked, and where it is cut.
pub(crate) struct CheckedList {
    pub(crate) rows: CheckedRows,
    /// The column names of a CSV list.
    pub(crate) header: Option<Header>,
    /// Where each part begins and ends, if the list is cut.
    pub(crate) parts: Vec<(Place, u64)>,
}

impl CheckedList {
    /// What the list was cut into, for the record of the run. A list that is not cut is one slice.
    pub(crate) fn lines(&self, list: &OpenSlice) -> SliceLines {
        let whole = (list.slice.start, list.source.length);
        let parts = if self.parts.is_empty() {
            vec![whole]
        } else {
            self.parts.clone()
        };
        let first_row = list.slice.start.row;
        let behind = parts.iter().skip(1).map(|(start, _)| start.row);
        let behind = behind.chain([first_row + self.rows.rows()]);
        let lines = parts
            .iter()
            .zip(behind)
            .filter_map(|((start, end), behind)| {
                Some(SliceLine {
                    slice: SliceId::new(NonZeroU64::new(start.row)?),
                    rows: behind - start.row,
                    start: start.byte,
                    end: *end,
                })
            });
        SliceLines(lines.collect())
    }

    /// The slices of a list that was cut.
    pub(crate) fn slices(&self, list: &OpenSlice) -> Vec<Slice> {
        let first_row = list.slice.start.row;
        let starts = self.parts.iter().map(|(start, _)| start.row - first_row);
        let ends = starts.clone().skip(1).chain([self.rows.rows()]);
        let parts = self.parts.iter().zip(starts.zip(ends));
        let slices = parts.map(|((start, end), (first, behind))| Slice {
            start: *start,
            end: Some(*end),
            header: self.header.clone(),
            checked: Some(self.rows.slice(first, behind - first)),
            ..list.slice.clone()
        });
        slices.collect()
    }
}

/// Finds where a list is cut. Each part begins with a row. It has at most `max_bytes`, unless it is
/// one row that is longer.
#[derive(Debug)]
pub(crate) struct Cutter {
    max_bytes: u64,
    /// Where each part begins.
    starts: Vec<Place>,
    /// Where the row before began.
    last: Place,
}

impl Cutter {
    /// Parts of at most so many bytes.
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            starts: Vec::new(),
            last: Place::START,
        }
    }

    /// Takes the place of the next row. The row before it ends there.
    pub(crate) fn row(&mut self, place: Place) {
        match self.starts.last() {
            None => self.starts.push(place),
            Some(start) if place.byte - start.byte > self.max_bytes => {
                // A row that is too long on its own becomes a part of its own.
                let is_alone = self.last.byte == start.byte;
                self.starts.push(if is_alone { place } else { self.last });
            }
            Some(_) => {}
        }
        self.last = place;
    }

    /// Where each part begins and ends, in a list of `length` bytes.
    pub(crate) fn finish(mut self, length: u64) -> Vec<(Place, u64)> {
        if self.starts.last().is_some_and(|start| {
            length - start.byte > self.max_bytes && start.byte < self.last.byte
        }) {
            self.starts.push(self.last);
        }
        let ends: Vec<u64> = self
            .starts
            .iter()
            .skip(1)
            .map(|start| start.byte)
            .chain([length])
            .collect();
        self.starts.into_iter().zip(ends).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::list::{Format, ListReader};
    use proptest::prelude::*;

    fn places(list: &[u8]) -> Vec<Place> {
        let mut reader = ListReader::new(Format::Csv);
        let mut input = list;
        let mut places = Vec::new();
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            places.push(parsed.place);
        }
        places
    }

    proptest! {
        #[test]
        fn the_parts_are_the_list_and_none_is_too_long(
            rows in prop::collection::vec("[a-z][a-z\"\n]{0,29}", 1..40), max_bytes in 1u64..200
        ) {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| format!("\"{}\"\n", row.replace('"', "\"\"")))
                .collect();
            let list = format!("to\n{}", rows.concat());
            let places = places(list.as_bytes());
            let mut cutter = Cutter::new(max_bytes);
            for place in &places {
                cutter.row(*place);
            }
            let parts = cutter.finish(list.len() as u64);
            prop_assert_eq!(parts[0].0.byte, 3);
            prop_assert_eq!(parts.last().unwrap().1, list.len() as u64);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].1, pair[1].0.byte);
            }
            for (start, end) in parts {
                let rows = places
                    .iter()
                    .filter(|place| (start.byte..end).contains(&place.byte))
                    .count();
                prop_assert!(rows >= 1);
                prop_assert!(end - start.byte <= max_bytes || rows == 1);
            }
        }
    }
}
