//! Counts cells for a tally.

use std::collections::BTreeMap;

use super::others::OthersOverTime;
use super::tally::Tally;
use super::timed::Timed;
use crate::outcomes::Cell;

/// The people of each kind of cell, and when they came to it.
#[derive(Default)]
pub(super) struct CellCounter {
    counts: BTreeMap<u16, u64>,
    others: OthersOverTime,
    /// Most deliveries have the cell of the one before: those are counted without a look into the
    /// maps.
    equal: Timed,
    people: u64,
}

impl CellCounter {
    pub(super) fn add(&mut self, cell: Timed, people: u64) {
        if cell != self.equal {
            self.flush();
            self.equal = cell;
        }
        self.people += people;
    }

    fn flush(&mut self) {
        let people = std::mem::take(&mut self.people);
        *self.counts.entry(self.equal.code).or_default() += people;
        if let (Some(cell), Some(time)) = (Cell::of_code(self.equal.code), self.equal.time()) {
            self.others.add(cell.outcome(), time, people);
        }
    }

    /// Puts the counts into a tally.
    pub(super) fn count(mut self, tally: &mut Tally) {
        self.flush();
        for (code, people) in self.counts {
            if let (Some(cell), true) = (Cell::of_code(code), people > 0) {
                tally.count(cell, people);
            }
        }
        self.others.narrow();
        tally.others_over_time = self.others;
    }
}
