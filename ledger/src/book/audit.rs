//! The book against the roll: the sum that the cells can't prove by themselves.

use super::tally::{People, Tally, difference};
use super::{Book, at};
use crate::outcomes::Cell;

/// What a book says of the people whom the roll names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BookAudit {
    /// The people that the roll names: the sum of its deliveries' sizes.
    pub recipients: u64,
    /// Those with an outcome, counted in the deliveries of the roll.
    pub people: People,
    /// Those without one.
    pub waiting: u64,
    /// Deliveries for which outcomes name more people than the roll does, or that the roll has not.
    pub misfits: u64,
}

impl BookAudit {
    /// Counts everybody again, with the sizes of the deliveries that the roll names, in the order
    /// of their numbers.
    pub fn of(book: &Book, sizes: &[u16]) -> Self {
        let mut audit = Self::default();
        let behind = book.sizes.get(sizes.len()..).unwrap_or_default();
        audit.misfits = behind.iter().filter(|size| **size > 0).count() as u64;
        for (number, size) in (0..).zip(sizes) {
            audit.recipients += u64::from(*size);
            let known = at(&book.sizes, number);
            // A whole names all its people, parts may name some of them.
            let is_whole = at(&book.wholes, number).code > 0;
            audit.misfits += u64::from(known > *size || (is_whole && known != *size));
            let mut waiting = *size;
            for cell in book.cells(number).take(usize::from(*size)) {
                if let Some(cell) = Cell::of_code(cell.code) {
                    audit.people.add(cell.outcome(), 1);
                    waiting -= 1;
                }
            }
            audit.waiting += u64::from(waiting);
        }
        audit
    }

    /// `recipients` less everybody with or without an outcome: 0 where the law holds.
    pub fn difference(&self) -> i64 {
        difference(self.recipients, self.people.all() + self.waiting)
    }

    /// Whether the law holds, every outcome fits the roll, and the counts in the book's head say
    /// the same.
    pub fn agrees_with(&self, tally: &Tally) -> bool {
        self.difference() == 0
            && self.misfits == 0
            && self.people == tally.people
            && self.recipients == tally.recipients
    }
}
