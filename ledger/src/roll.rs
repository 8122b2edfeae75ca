//! The roll of a slice: who is in which delivery.
//!
//! # The object
//! A line of JSON (`v`, `slice`, `key_check`), then blocks of up to 65,536 rows, then the totals.
//! Numbers have four bytes, low byte first. A block is its rows, the length of its packed marks,
//! the number of its fingerprints; then the marks, then eight bytes for each fingerprint. The end
//! is a block of no rows whose marks are a JSON of the totals.
//!
//! A mark is a varint: 0 rejected, 1 duplicate, 2 elsewhere, and from 3 on the distance to the
//! delivery of the row before (zigzag). Marks are packed with zstd: where each row has a delivery
//! of its own, all marks are equal. A row that is sent and a duplicate have a fingerprint.
//! Fingerprints are as good as random, so they are not packed.

use fanline_telemetry::fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::at::SliceId;
use crate::run::SliceCounts;

mod reader;
mod writer;

pub use reader::{RollReader, RollRow};
pub use writer::RollWriter;

/// The version that this build writes and reads.
const VERSION: u64 = 1;

/// The most rows of a block.
const BLOCK_ROWS: usize = 65_536;

/// What became of a row in the fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowMark {
    /// It is in this delivery, at this position.
    Sent {
        /// The delivery's number in the slice.
        delivery: u32,
        /// The person's position in the delivery, from 0.
        position: u16,
    },
    /// It can't be sent.
    Rejected,
    /// An earlier row names the same recipient.
    Duplicate,
    /// The canary's slice has it, or in the canary's slice: the slice of the others.
    Elsewhere,
}

/// The counts of a roll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollTotals {
    /// All rows, those elsewhere too.
    pub rows: u64,
    /// The rows that are in deliveries.
    pub recipients: u64,
    /// The rows that can't be sent.
    pub rejected: u64,
    /// The rows whose recipient an earlier row names.
    pub duplicates: u64,
    /// The rows that the other slice of a canary has.
    pub elsewhere: u64,
    /// The deliveries.
    pub deliveries: u64,
}

impl RollTotals {
    /// Whether the roll says the same as the slice's counts: its sizes add up to the recipients.
    pub fn agrees_with(&self, counts: &SliceCounts) -> bool {
        self.rows.checked_sub(self.elsewhere) == Some(counts.rows)
            && self.recipients == counts.recipients
            && self.rejected == counts.rejected
            && self.duplicates == counts.duplicates
    }
}

/// Why a roll can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    /// The bytes can't be written or read.
    #[error("the roll can't be written or read")]
    Io(#[source] std::io::Error),
    /// Written by a version that this build does not know.
    #[error("the roll is of version {0}; this build reads version {VERSION}")]
    Version(u64),
    /// It is no roll, or damaged.
    #[error("the roll is damaged: {0}")]
    Damaged(&'static str),
    /// The producer gave a delivery out of order, or rows that it can't have.
    #[error("delivery {delivery} can't be in the roll: {problem}")]
    Order {
        /// The delivery's number.
        delivery: u32,
        /// What is wrong.
        problem: &'static str,
    },
    /// The producer gave no delivery for a row.
    #[error("row {0} is in no delivery")]
    RedriveReason(u64),
}

/// The first line of a roll.
#[derive(Debug, Serialize, Deserialize)]
struct RollHead {
    v: u64,
    slice: SliceId,
    /// The fingerprint of nobody: it tells whether a reader has the writer's key.
    key_check: Fingerprint,
}

#[cfg(test)]
mod tests;
