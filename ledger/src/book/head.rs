//! The first 16 KiB of a book: its counts as JSON, to be read without the rest.

use serde::{Deserialize, Serialize};

use super::others::OthersOverTime;
use super::tally::{MAX_CELL_COUNTS, Tally};
use super::words::CellWords;

/// The length of a book's head: what one ranged read brings.
pub const HEAD_BYTES: usize = 16 * 1024;

/// The version that this build writes and reads.
const VERSION: u64 = 1;

/// Why an object is no book.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Written by a version that this build does not know.
    #[error("the book is of version {0}; this build reads version {VERSION}")]
    Version(u64),
    /// The head is not what a head holds.
    #[error("the head of the book can't be read: {0}")]
    Head(String),
    /// The rest can't be unpacked.
    #[error("the book can't be unpacked")]
    Packed(#[source] std::io::Error),
    /// It was unpacked and is no book all the same.
    #[error("the book is damaged: {0}")]
    Damaged(&'static str),
}

/// A book's head: JSON, filled up with spaces.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    v: u64,
    /// The slice, or what the book is of.
    pub(super) slice: String,
    /// The length of the packed part behind the head, so that half a book is noticed.
    pub(super) packed_bytes: u64,
    pub(super) tally: Tally,
}

#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

impl Head {
    /// The head and the packed part behind it.
    pub(super) fn object(slice: String, mut tally: Tally, packed: &[u8]) -> Vec<u8> {
        tally.cells.truncate(MAX_CELL_COUNTS);
        let mut head = Self {
            v: VERSION,
            slice,
            packed_bytes: packed.len() as u64,
            tally,
        };
        let mut object = head.json();
        // What can be made again from the packed part gives way first.
        while object.len() >= HEAD_BYTES && shorten(&mut head.tally) {
            object = head.json();
        }
        object.resize(HEAD_BYTES - 1, b' ');
        object.push(b'\n');
        object.extend_from_slice(packed);
        object
    }

    fn json(&self) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "text, numbers and lists of them are JSON"
        )]
        serde_json::to_vec(self).expect("text, numbers and lists of them are JSON")
    }

    /// Reads the head at the beginning of an object, and gives what stands behind it.
    pub(super) fn read(object: &[u8]) -> Result<(Self, &[u8]), BookError> {
        let (head, packed) = object
            .split_at_checked(HEAD_BYTES)
            .ok_or_else(|| BookError::Head("it is cut short".into()))?;
        match serde_json::from_slice(head) {
            Ok(Self { v, .. }) if v != VERSION => Err(BookError::Version(v)),
            Ok(head) => Ok((head, packed)),
            Err(error) => Err(match serde_json::from_slice(head) {
                Ok(Versioned { v }) if v != VERSION => BookError::Version(v),
                _ => BookError::Head(error.to_string()),
            }),
        }
    }
}

/// Makes a head shorter; false where nothing is left to leave out. The course of the other outcomes
/// becomes coarser, then the rarest counts of single kinds go: both are for people to read. After
/// them goes the rest of the course, and what LINE said. Without all of it every head fits: 720
/// numbers of 20 digits and a few more.
fn shorten(tally: &mut Tally) -> bool {
    if tally.others_over_time.halve() || tally.cells.pop().is_some() {
        return true;
    }
    let is_left = !tally.others_over_time.is_empty() || !tally.words.is_empty();
    if tally.others_over_time.is_empty() {
        tally.words = CellWords::default();
    }
    tally.others_over_time = OthersOverTime::default();
    is_left
}

/// Reads the counts out of a book's first [`HEAD_BYTES`]. What follows is not looked at.
pub fn read_tally(object: &[u8]) -> Result<Tally, BookError> {
    Head::read(object).map(|(head, _)| head.tally)
}

#[cfg(test)]
mod tests {
    use super::super::over_time::MAX_BINS;
    use super::*;
    use crate::book::{CellCount, People};
    use crate::by_endpoint::ByEndpoint;
    use crate::outcomes::{Cell, CellReason, FinalOutcome};

    /// A tally with as many numbers as there can be, each as large as this.
    fn largest(number: u64) -> Tally {
        let mut tally = Tally {
            recipients: number,
            people: People {
                accepted: number,
                refused: number,
                unknown: number,
                expired: number,
                set_aside: number,
                cancelled: number,
            },
            already_accepted: number,
            settled: ByEndpoint {
                push: number,
                multicast: number,
            },
            first: "2026-12-25T00:00:03.123456789Z".parse().ok(),
            last: "2026-12-25T00:00:03.123456789Z".parse().ok(),
            ..Tally::default()
        };
        for status in 401..500 {
            tally.cells.push(CellCount {
                cell: Cell::new(CellReason::Unauthorized, Some(status), true),
                people: number,
            });
        }
        for status in 400..408 {
            let text = "\u{8a0a}".repeat(CellWords::MAX_CHARS);
            let cell = Cell::new(CellReason::Refused, Some(status), false);
            tally.words.insert(cell, text);
        }
        for bin in 0..i64::try_from(MAX_BINS).unwrap() {
            let time = jiff::Timestamp::from_second(1_798_156_800 + bin * 5).unwrap();
            tally.accepted_over_time.add(time, number);
            for outcome in FinalOutcome::ALL {
                tally.others_over_time.add(outcome, time, number);
            }
        }
        tally
    }

    #[test]
    fn the_largest_head_fits() {
        // Nobody has ten billion friends; and what no list can have is no reason to lose a book.
        for (number, kinds) in [
            (9_999_999, MAX_CELL_COUNTS),
            (9_999_999_999, 31),
            (u64::MAX, 0),
        ] {
            let slice = "18446744073709551615c";
            let object = Head::object(slice.into(), largest(number), b"packed");
            assert_eq!(object.len(), HEAD_BYTES + 6);
            let (head, packed) = Head::read(&object).unwrap();
            assert_eq!(packed, b"packed");
            assert_eq!(head.tally.cells.len(), kinds);
            assert_eq!(head.tally.words.is_empty(), number == u64::MAX);
            let bins = largest(number).accepted_over_time;
            assert_eq!(head.tally.accepted_over_time, bins);
            assert_eq!(read_tally(&object).unwrap(), head.tally);
        }
    }
}
