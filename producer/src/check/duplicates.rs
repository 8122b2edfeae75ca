//! Finds the rows whose recipient has an earlier row, exactly, in a list of any length.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use crate::check::sorted_runs::{RowKey, SortedRun, SortedRuns};
use crate::list::row_set::RowSet;

/// How many rows are held in memory: as many as 64 MiB can have, where no row of a recipient is
/// shorter than 32 bytes. A longer list is sorted in runs of so many rows, on the disk.
pub(crate) const MAX_ROWS_IN_MEMORY: usize = 2 * 1024 * 1024;

/// The recipients of a list's rows, as they are read.
///
/// It holds 22 bytes for each row, up to a number of rows. Then it sorts them, and writes them to a
/// file in the folder for temporary files. At the end the sorted runs are merged.
#[derive(Debug)]
pub(crate) struct Duplicates {
    max_rows: usize,
    keys: Vec<RowKey>,
    runs: SortedRuns,
}

impl Duplicates {
    /// For a list that has about `rows` rows, with at most `max_rows` in memory.
    pub(crate) fn new(rows: u64, max_rows: usize) -> Self {
        let rows = usize::try_from(rows).unwrap_or(max_rows).min(max_rows);
        Self {
            max_rows,
            // Memory that is reserved and never touched costs nothing.
            keys: Vec::with_capacity(rows),
            runs: SortedRuns::default(),
        }
    }

    /// Says who the recipient of a row is.
    pub(crate) fn add(&mut self, fingerprint: [u8; 17], row: u64) -> io::Result<()> {
        if self.keys.len() >= self.max_rows {
            self.keys.sort_unstable();
            self.runs.write(&self.keys)?;
            self.keys.clear();
        }
        self.keys.push(RowKey::new(fingerprint, row));
        Ok(())
    }

    /// The rows whose recipient has an earlier row.
    pub(crate) fn find(mut self) -> io::Result<RowSet> {
        let mut found = RowSet::default();
        self.keys.sort_unstable();
        if self.runs.is_empty() {
            for [one, next] in self.keys.array_windows() {
                if one.fingerprint() == next.fingerprint() {
                    found.insert(next.row());
                }
            }
            return Ok(found);
        }
        self.runs.write(&self.keys)?;
        // The memory is given back before the runs are read.
        drop(self.keys);
        let mut last = None;
        merge(self.runs.read(), |key| {
            if last == Some(key.fingerprint()) {
                found.insert(key.row());
            }
            last = Some(key.fingerprint());
        })?;
        Ok(found)
    }
}

/// Gives the keys of all runs in order. A number is compared much faster than the bytes of a key.
fn merge(mut runs: Vec<SortedRun>, mut each: impl FnMut(RowKey)) -> io::Result<()> {
    let mut firsts = BinaryHeap::with_capacity(runs.len());
    for (run, keys) in runs.iter_mut().enumerate() {
        if let Some(key) = keys.next()? {
            firsts.push(Reverse((key.leading(), key, run)));
        }
    }
    while let Some(mut first) = firsts.peek_mut() {
        let Reverse((_, key, run)) = *first;
        each(key);
        let next = runs.get_mut(run).map(SortedRun::next).transpose()?;
        match next.flatten() {
            Some(next) => *first = Reverse((next.leading(), next, run)),
            None => {
                PeekMut::pop(first);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn find(people: &[u8], max_rows: usize) -> Vec<u64> {
        let mut duplicates = Duplicates::new(people.len() as u64, max_rows);
        for (row, person) in (0..).zip(people) {
            // They differ in the last byte only.
            let mut fingerprint = [7; 17];
            fingerprint[16] = *person;
            duplicates.add(fingerprint, row).unwrap();
        }
        duplicates.find().unwrap().iter().collect()
    }

    #[test]
    fn a_list_of_any_length_can_be_announced() {
        let duplicates = Duplicates::new(u64::MAX, MAX_ROWS_IN_MEMORY);
        assert_eq!(duplicates.keys.capacity(), MAX_ROWS_IN_MEMORY);
    }

    proptest! {
        #[test]
        fn the_first_row_of_a_person_is_none_and_every_later_one_is(
            people in prop::collection::vec(0u8..40, 0..300), max_rows in 1usize..100
        ) {
            let mut seen = HashSet::new();
            let expected: Vec<u64> = (0..)
                .zip(&people)
                .filter(|(_, person)| !seen.insert(**person))
                .map(|(row, _)| row)
                .collect();
            prop_assert_eq!(find(&people, max_rows), expected);
        }
    }
}
