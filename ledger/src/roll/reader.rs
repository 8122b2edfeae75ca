//! Reads a roll, row by row.

use std::collections::VecDeque;
use std::io::{BufRead, Read};

use fanline_telemetry::fingerprint::{Fingerprint, Fingerprinter};
use serde::Deserialize;

use super::writer::{DUPLICATE, ELSEWHERE, FIRST_DISTANCE, REJECTED};
use super::{BLOCK_ROWS, RollError, RollHead, RollTotals, RowMark, VERSION};
use crate::at::SliceId;
use crate::varint;

/// A mark takes ten bytes at most, and so does no block's plain part more than this.
const MAX_MARKS_BYTES: usize = BLOCK_ROWS * 10;

/// One row of a roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollRow {
    /// The row's number in the list.
    pub row: u64,
    /// What became of it.
    pub mark: RowMark,
    /// The recipient's fingerprint, where the row is sent or a duplicate.
    pub fingerprint: Option<Fingerprint>,
}

/// Reads a roll from its beginning: an iterator over its rows, in the list's order.
///
/// It holds a block and two bytes for each delivery. After the last row it compares its own counts
/// with the roll's: a roll that is cut short ends with an error, never as a short roll.
pub struct RollReader<R> {
    input: R,
    slice: SliceId,
    key_check: Fingerprint,
    next_row: u64,
    /// What is left of the block.
    rows: usize,
    marks: Vec<u8>,
    marks_at: usize,
    fingerprints: VecDeque<[u8; 8]>,
    delivery: i64,
    /// How many people each delivery has had so far.
    sizes: Vec<u16>,
    totals: RollTotals,
    ended: bool,
}

#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

impl<R: BufRead> RollReader<R> {
    /// Opens a roll and reads its first line.
    pub fn new(mut input: R) -> Result<Self, RollError> {
        let mut line = Vec::new();
        let mut start = (&mut input).take(4096);
        start.read_until(b'\n', &mut line).map_err(RollError::Io)?;
        let no_head = |_| RollError::Damaged("its first line is not the head of a roll");
        let Versioned { v } = serde_json::from_slice(&line).map_err(no_head)?;
        if v != VERSION {
            return Err(RollError::Version(v));
        }
        let head: RollHead = serde_json::from_slice(&line).map_err(no_head)?;
        Ok(Self {
            input,
            slice: head.slice,
            key_check: head.key_check,
            next_row: head.slice.first_row(),
            rows: 0,
            marks: Vec::new(),
            marks_at: 0,
            fingerprints: VecDeque::new(),
            delivery: 0,
            sizes: Vec::new(),
            totals: RollTotals::default(),
            ended: false,
        })
    }

    /// The slice.
    pub fn slice(&self) -> SliceId {
        self.slice
    }

    /// Whether fingerprints of this key can be found in it.
    pub fn is_keyed_by(&self, fingerprinter: &Fingerprinter) -> bool {
        fingerprinter.of("") == self.key_check
    }

    /// The rows of these recipients: sent ones and duplicates, in the list's order.
    pub fn find(self, recipients: &[Fingerprint]) -> Result<Vec<RollRow>, RollError> {
        let wanted = |row: &RollRow| {
            let fingerprint = row.fingerprint.as_ref();
            fingerprint.is_some_and(|fingerprint| recipients.contains(fingerprint))
        };
        self.filter(|row| row.as_ref().map_or(true, wanted))
            .collect()
    }

    /// Reads to the end: the counts, and the people of each delivery in the order of their numbers.
    pub fn sizes(mut self) -> Result<(RollTotals, Vec<u16>), RollError> {
        for row in self.by_ref() {
            row?;
        }
        Ok((self.totals, self.sizes))
    }

    fn read_row(&mut self) -> Result<Option<RollRow>, RollError> {
        if self.rows == 0 && !self.next_block()? {
            return Ok(None);
        }
        self.rows -= 1;
        let row = self.next_row;
        self.next_row += 1;
        self.totals.rows += 1;
        let mut rest = self.marks.get(self.marks_at..).unwrap_or_default();
        let left = rest.len();
        let mark = varint::read(&mut rest).ok_or(RollError::Damaged("a mark is missing"))?;
        self.marks_at += left - rest.len();
        let mark = match mark {
            REJECTED => {
                self.totals.rejected += 1;
                RowMark::Rejected
            }
            DUPLICATE => {
                self.totals.duplicates += 1;
                RowMark::Duplicate
            }
            ELSEWHERE => {
                self.totals.elsewhere += 1;
                RowMark::Elsewhere
            }
            distance => self.sent(varint::unzigzag(distance - FIRST_DISTANCE))?,
        };
        let fingerprint = match mark {
            RowMark::Sent { .. } | RowMark::Duplicate => {
                let bytes = self.fingerprints.pop_front();
                let bytes = bytes.ok_or(RollError::Damaged("a fingerprint is missing"))?;
                Some(Fingerprint::of_bytes(bytes))
            }
            RowMark::Rejected | RowMark::Elsewhere => None,
        };
        Ok(Some(RollRow {
            row,
            mark,
            fingerprint,
        }))
    }

    /// The next row is in the delivery that is so far from the one before.
    fn sent(&mut self, distance: i64) -> Result<RowMark, RollError> {
        let damaged = RollError::Damaged("a row is in a delivery that can't be");
        let number = self.delivery.checked_add(distance);
        let number = number.and_then(|number| u32::try_from(number).ok());
        let Some(delivery) = number else {
            return Err(damaged);
        };
        self.delivery = i64::from(delivery);
        self.totals.recipients += 1;
        let index = delivery as usize;
        // A number past the rows can't be: each delivery has a row.
        if self.sizes.len() <= index {
            if u64::from(delivery) > self.totals.rows + MAX_AHEAD {
                return Err(damaged);
            }
            self.sizes.resize(index + 1, 0);
        }
        let size = self.sizes.get_mut(index);
        let position = size.map(|size| {
            let position = *size;
            *size = size.saturating_add(1);
            position
        });
        Ok(RowMark::Sent {
            delivery,
            position: position.unwrap_or(0),
        })
    }

    /// Reads the next block; at the end it compares the totals.
    fn next_block(&mut self) -> Result<bool, RollError> {
        let [rows, marks, fingerprints] = [self.number()?, self.number()?, self.number()?];
        if rows > BLOCK_ROWS || marks > MAX_MARKS_BYTES || fingerprints > rows {
            return Err(RollError::Damaged("a block is too large"));
        }
        let packed = self.bytes(marks)?;
        if rows == 0 {
            let totals: RollTotals = serde_json::from_slice(&packed)
                .map_err(|_| RollError::Damaged("its totals can't be read"))?;
            self.totals.deliveries = self.sizes.len() as u64;
            let whole = self.sizes.iter().all(|size| *size > 0);
            if totals != self.totals || !whole {
                return Err(RollError::Damaged("its rows do not add up to its totals"));
            }
            return Ok(false);
        }
        let mut plain = Vec::new();
        let unpacked = zstd::Decoder::new(&packed[..]).map_err(RollError::Io)?;
        let mut unpacked = unpacked.take(MAX_MARKS_BYTES as u64);
        unpacked.read_to_end(&mut plain).map_err(RollError::Io)?;
        let bytes = self.bytes(fingerprints * 8)?;
        let (fingerprints, _) = bytes.as_chunks::<8>();
        self.fingerprints = fingerprints.iter().copied().collect();
        (self.rows, self.marks, self.marks_at, self.delivery) = (rows, plain, 0, 0);
        Ok(true)
    }

    fn number(&mut self) -> Result<usize, RollError> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes).map_err(RollError::Io)?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, RollError> {
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes).map_err(RollError::Io)?;
        Ok(bytes)
    }
}

/// How far a delivery's number may run ahead of the rows read: a delivery of later rows may go out
/// first.
const MAX_AHEAD: u64 = 1 << 24;

impl<R: BufRead> Iterator for RollReader<R> {
    type Item = Result<RollRow, RollError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.read_row().transpose();
        // Nothing follows an error.
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }
}
