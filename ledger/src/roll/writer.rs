//! Writes a roll while its slice is being published.

use std::collections::VecDeque;
use std::io::Write;

use fanline_telemetry::fingerprint::{Fingerprint, Fingerprinter};

use super::{BLOCK_ROWS, RollError, RollHead, RollTotals, VERSION};
use crate::at::SliceId;
use crate::varint;

const LEVEL: i32 = 3;

/// Marks of rows that are in no delivery.
pub(super) const REJECTED: u64 = 0;
pub(super) const DUPLICATE: u64 = 1;
pub(super) const ELSEWHERE: u64 = 2;
/// From here on a mark is a distance between two deliveries.
pub(super) const FIRST_DISTANCE: u64 = 3;

/// A row whose mark is not known, or known and not yet written.
#[derive(Debug, Clone, Copy)]
enum Pending {
    Waits,
    Marked(u64),
    Delivery(u32),
}

/// Writes a roll to `out` while the slice is published.
///
/// Give it each row of the slice in the list's order (`sent`, `rejected`, `duplicate` or
/// `elsewhere`), and each delivery in the order of its number, skipped ones too, with its rows.
/// Both may be mixed, as the fan-out goes.
///
/// It holds 16 bytes for each row from the first whose delivery is not known, and a block of 65,536
/// rows: a fan-out that gathers rows in windows holds a window. The rest is on `out`, so ten
/// million rows need no more memory.
pub struct RollWriter<W> {
    out: W,
    first_row: u64,
    pending: VecDeque<Pending>,
    /// The fingerprints of the pending rows that have one.
    fingerprints: VecDeque<Fingerprint>,
    block: Block,
    /// Rows that have been written or are in the block.
    done: u64,
    totals: RollTotals,
}

/// The rows of a block that are finished.
#[derive(Default)]
struct Block {
    rows: usize,
    marks: Vec<u8>,
    fingerprints: Vec<u8>,
    /// The delivery of the row before, in this block.
    delivery: i64,
}

impl<W: Write> RollWriter<W> {
    /// Begins a roll for this slice. `fingerprinter` has the key that fingerprints are made with.
    pub fn new(
        mut out: W,
        slice: SliceId,
        fingerprinter: &Fingerprinter,
    ) -> Result<Self, RollError> {
        let head = RollHead {
            v: VERSION,
            slice,
            key_check: fingerprinter.of(""),
        };
        write_json_line(&mut out, &head)?;
        Ok(Self {
            out,
            first_row: slice.first_row(),
            pending: VecDeque::new(),
            fingerprints: VecDeque::new(),
            block: Block::default(),
            done: 0,
            totals: RollTotals::default(),
        })
    }

    /// The next row is sent to this recipient; its delivery follows.
    pub fn sent(&mut self, recipient: Fingerprint) {
        self.totals.rows += 1;
        self.totals.recipients += 1;
        self.pending.push_back(Pending::Waits);
        self.fingerprints.push_back(recipient);
    }

    /// The next row names a recipient whom an earlier row names.
    pub fn duplicate(&mut self, recipient: Fingerprint) -> Result<(), RollError> {
        self.totals.duplicates += 1;
        self.fingerprints.push_back(recipient);
        self.marked(DUPLICATE)
    }

    /// The next row can't be sent.
    pub fn rejected(&mut self) -> Result<(), RollError> {
        self.totals.rejected += 1;
        self.marked(REJECTED)
    }

    /// The next row is in the canary's slice, or, in that one, in the slice of the others.
    pub fn elsewhere(&mut self) -> Result<(), RollError> {
        self.totals.elsewhere += 1;
        self.marked(ELSEWHERE)
    }

    fn marked(&mut self, mark: u64) -> Result<(), RollError> {
        self.totals.rows += 1;
        self.pending.push_back(Pending::Marked(mark));
        self.write_ready()
    }

    /// The next delivery has these rows of the list, in ascending order: the position of a person
    /// is the place of the row among them.
    pub fn delivery(
        &mut self,
        number: u32,
        rows: impl IntoIterator<Item = u64>,
    ) -> Result<(), RollError> {
        let wrong = |problem| RollError::Order {
            delivery: number,
            problem,
        };
        if u64::from(number) != self.totals.deliveries {
            return Err(wrong("deliveries come in the order of their numbers"));
        }
        self.totals.deliveries += 1;
        let mut before = 0;
        for row in rows {
            if row <= before {
                return Err(wrong("its rows do not ascend"));
            }
            before = row;
            let place = row.checked_sub(self.first_row + self.done);
            let place = place.and_then(|place| usize::try_from(place).ok());
            let pending = place.and_then(|place| self.pending.get_mut(place));
            match pending {
                Some(waiting @ Pending::Waits) => *waiting = Pending::Delivery(number),
                _ => return Err(wrong("one of its rows is not waiting for a delivery")),
            }
        }
        if before == 0 {
            return Err(wrong("it has no rows"));
        }
        self.write_ready()
    }

    /// Ends the roll. Every row that is sent has to be in a delivery by now.
    pub fn finish(mut self) -> Result<(W, RollTotals), RollError> {
        if !self.pending.is_empty() {
            return Err(RollError::RedriveReason(self.first_row + self.done));
        }
        self.end_block()?;
        #[expect(clippy::expect_used, reason = "numbers are JSON")]
        let totals = serde_json::to_vec(&self.totals).expect("numbers are JSON");
        write_block(&mut self.out, 0, &totals, &[])?;
        self.out.flush().map_err(RollError::Io)?;
        Ok((self.out, self.totals))
    }

    /// Moves the rows from the front whose marks are known into the block.
    fn write_ready(&mut self) -> Result<(), RollError> {
        while let Some(row) = self.pending.front() {
            let has_fingerprint = match *row {
                Pending::Waits => return Ok(()),
                Pending::Marked(mark) => {
                    varint::push(&mut self.block.marks, mark);
                    mark == DUPLICATE
                }
                Pending::Delivery(number) => {
                    self.block.push_delivery(number);
                    true
                }
            };
            self.pending.pop_front();
            if has_fingerprint && let Some(fingerprint) = self.fingerprints.pop_front() {
                let bytes = fingerprint.to_bytes();
                self.block.fingerprints.extend_from_slice(&bytes);
            }
            self.block.rows += 1;
            self.done += 1;
            if self.block.rows == BLOCK_ROWS {
                self.end_block()?;
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), RollError> {
        if self.block.rows == 0 {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        let marks = zstd::encode_all(&block.marks[..], LEVEL).map_err(RollError::Io)?;
        write_block(&mut self.out, block.rows, &marks, &block.fingerprints)
    }
}

impl Block {
    fn push_delivery(&mut self, number: u32) {
        let number = i64::from(number);
        let distance = varint::zigzag(number - self.delivery);
        varint::push(&mut self.marks, FIRST_DISTANCE + distance);
        self.delivery = number;
    }
}

fn write_block(
    out: &mut impl Write,
    rows: usize,
    marks: &[u8],
    fingerprints: &[u8],
) -> Result<(), RollError> {
    for number in [rows, marks.len(), fingerprints.len() / 8] {
        // A block has 65,536 rows at most, so its parts are far below 4 GiB.
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        out.write_all(&number.to_le_bytes())
            .map_err(RollError::Io)?;
    }
    out.write_all(marks).map_err(RollError::Io)?;
    out.write_all(fingerprints).map_err(RollError::Io)
}

fn write_json_line(out: &mut impl Write, head: &RollHead) -> Result<(), RollError> {
    #[expect(clippy::expect_used, reason = "text and numbers are JSON")]
    let mut line = serde_json::to_vec(head).expect("text and numbers are JSON");
    line.push(b'\n');
    out.write_all(&line).map_err(RollError::Io)
}
