//! Sorted runs of keys in a temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use crate::list::source::file;

/// How many bytes of a run are read at once: a whole number of keys.
const READ_BYTES: usize = RowKey::LEN * 12_000;

/// A recipient's fingerprint, and the number of its row, high byte first. In sorted order, equal
/// recipients lie together and the first row of each comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    fingerprint: [u8; 17],
    row: [u8; 5],
}

impl RowKey {
    /// How many bytes it has in the file.
    const LEN: usize = 22;

    /// The key of this recipient's row.
    pub(crate) fn new(fingerprint: [u8; 17], row: u64) -> Self {
        // The three high bytes are zero: no list has 2^40 rows.
        let [_, _, _, row @ ..] = row.to_be_bytes();
        Self { fingerprint, row }
    }

    /// The number of the row.
    pub(crate) fn row(self) -> u64 {
        let bytes = self.row.iter();
        bytes.fold(0, |row, byte| row << 8 | u64::from(*byte))
    }

    /// The first bytes as a number: keys with different numbers are in the order of these.
    pub(crate) fn leading(self) -> u128 {
        let [leading @ .., _] = self.fingerprint;
        u128::from_be_bytes(leading)
    }

    /// Who the recipient is.
    pub(crate) fn fingerprint(self) -> [u8; 17] {
        self.fingerprint
    }

    fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (fingerprint, row) = bytes.split_at_mut(17);
        fingerprint.copy_from_slice(&self.fingerprint);
        row.copy_from_slice(&self.row);
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (mut fingerprint, mut row) = ([0; 17], [0; 5]);
        let (first, last) = bytes.split_at(17);
        fingerprint.copy_from_slice(first);
        row.copy_from_slice(last);
        Self { fingerprint, row }
    }
}

/// Runs of sorted keys, one after the other in one file. The system deletes the file when this
/// process ends, however it ends.
#[derive(Debug, Default)]
pub(crate) struct SortedRuns {
    file: Option<File>,
    /// The byte behind each run.
    ends: Vec<u64>,
}

impl SortedRuns {
    /// Whether no run has been written.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Writes keys, which are sorted, as one more run.
    pub(crate) fn write(&mut self, keys: &[RowKey]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        let mut out = BufWriter::with_capacity(READ_BYTES, file);
        for key in keys {
            out.write_all(&key.to_bytes())?;
        }
        out.flush()?;
        let before = self.ends.last().copied().unwrap_or(0);
        self.ends.push(before + (keys.len() * RowKey::LEN) as u64);
        Ok(())
    }

    /// All runs, each from its beginning.
    pub(crate) fn read(self) -> Vec<SortedRun> {
        let Some(file) = self.file.map(Arc::new) else {
            return Vec::new();
        };
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let runs = starts.zip(&self.ends).map(|(start, end)| SortedRun {
            file: Arc::clone(&file),
            next: start,
            end: *end,
            bytes: Vec::new(),
            taken: 0,
        });
        runs.collect()
    }
}

/// The keys of one run, in order.
#[derive(Debug)]
pub(crate) struct SortedRun {
    file: Arc<File>,
    /// Where the next piece begins.
    next: u64,
    end: u64,
    /// The piece at hand, and how much of it has been taken.
    bytes: Vec<u8>,
    taken: usize,
}

impl SortedRun {
    /// The next key, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<RowKey>> {
        if self.taken >= self.bytes.len() && !self.fill()? {
            return Ok(None);
        }
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let Some(key) = rest.first_chunk() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        self.taken += RowKey::LEN;
        Ok(Some(RowKey::from_bytes(key)))
    }

    fn fill(&mut self) -> io::Result<bool> {
        let left = usize::try_from(self.end - self.next).unwrap_or(READ_BYTES);
        self.bytes.resize(left.min(READ_BYTES), 0);
        self.taken = 0;
        file::read_exact_at(&self.file, &mut self.bytes, self.next)?;
        self.next += self.bytes.len() as u64;
        Ok(!self.bytes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_number_of_five_bytes_is_kept() {
        let key = RowKey::new([255; 17], 0xAB_CDEF_0123);
        assert_eq!(key.row(), 0xAB_CDEF_0123);
        assert_eq!(RowKey::from_bytes(&key.to_bytes()), key);
    }
}
