//! The book of a slice: what became of each person, and the merging of outcomes into it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::at::{Positions, SliceId};
use crate::outcomes::{Cell, DeliveryOutcome, Standing};

mod audit;
mod counter;
mod head;
mod loose;
mod others;
mod over_time;
mod packed;
mod tally;
mod timed;
mod words;

pub use audit::BookAudit;
pub use head::{BookError, HEAD_BYTES, read_tally};
pub use loose::LooseBook;
pub use others::OthersOverTime;
pub use over_time::PeopleOverTime;
pub use tally::{CellCount, People, Tally};
pub use words::CellWords;

pub(crate) use tally::difference;

use counter::CellCounter;
use timed::Timed;

/// What a merge did with an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// It changed the book.
    Changed,
    /// The book knew it, or something better.
    Known,
    /// It is not of this book: another slice, a number that the slice has not, or people that don't
    /// fit. It belongs into the book of loose deliveries.
    Misfit,
}

/// What became of each person of a slice.
///
/// Each delivery has one cell; a delivery that was split has one for each person. A merge keeps the
/// larger of two cells. So merging is commutative, associative and idempotent: the book depends on
/// the *set* of outcomes alone, and neither order, nor repetition, nor a second bookkeeper changes
/// it. Only [`Tally::accepted_over_time`] may differ, and only where one delivery was accepted
/// twice with other answers than 409, which the retry key rules out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    slice: SliceId,
    recipients: u64,
    /// The cell of each delivery as a whole.
    wholes: Vec<Timed>,
    /// The people of each delivery, as far as outcomes have said: 0 where none has come.
    sizes: Vec<u16>,
    /// The cells of single people, for deliveries whose parts had outcomes of their own. Only what
    /// beats the whole's cell is kept, without zeros at the end, so that equal books have equal
    /// bytes.
    people: BTreeMap<u32, Vec<Timed>>,
    over_time: PeopleOverTime,
    words: CellWords,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Book {
    /// An empty book for a slice with so many recipients, as its counts say. No delivery's number
    /// reaches them.
    pub fn new(slice: SliceId, recipients: u64) -> Self {
        Self {
            slice,
            recipients,
            wholes: Vec::new(),
            sizes: Vec::new(),
            people: BTreeMap::new(),
            over_time: PeopleOverTime::default(),
            words: CellWords::default(),
            first: None,
            last: None,
        }
    }

    /// The slice.
    pub fn slice(&self) -> SliceId {
        self.slice
    }

    /// Merges what became of a delivery or a part.
    pub fn merge(&mut self, outcome: &DeliveryOutcome) -> Merged {
        let Standing::At(at) = &outcome.standing else {
            return Merged::Misfit;
        };
        let number = at.delivery();
        if at.slice() != self.slice
            || u64::from(number) >= self.recipients
            || !at.fits(usize::from(outcome.people))
        {
            return Merged::Misfit;
        }
        let Ok(index) = usize::try_from(number) else {
            return Merged::Misfit;
        };
        if self.wholes.len() <= index {
            self.wholes.resize(index + 1, Timed::default());
            self.sizes.resize(index + 1, 0);
        }
        let accepted_before = self.accepted_now(number);
        let cell = Timed::new(outcome.cell(), outcome.time);
        let mut changed = match at.positions() {
            None => self.merge_whole(number, cell, outcome.people),
            Some(part) => self.merge_part(number, cell, part),
        };
        let accepted = self.accepted_now(number).saturating_sub(accepted_before);
        self.over_time.add(outcome.time, accepted);
        changed |= self.words.add(outcome);
        // Pages and messages keep milliseconds, so the book does too.
        let time = milliseconds(outcome.time);
        let (first, last) = (
            tally::earlier(self.first, Some(time)),
            self.last.max(Some(time)),
        );
        changed |= (first, last) != (self.first, self.last);
        (self.first, self.last) = (first, last);
        if changed {
            Merged::Changed
        } else {
            Merged::Known
        }
    }

    fn merge_whole(&mut self, number: u32, cell: Timed, people: u16) -> bool {
        let mut changed = raise(at_mut(&mut self.sizes, number), people);
        if at_mut(&mut self.wholes, number).is_some_and(|whole| whole.raise(cell)) {
            changed = true;
            self.prune(number);
        }
        changed
    }

    fn merge_part(&mut self, number: u32, cell: Timed, part: &Positions) -> bool {
        let mut changed = raise(at_mut(&mut self.sizes, number), part.last() + 1);
        if cell.code <= at(&self.wholes, number).code {
            return changed;
        }
        let people = self.people.entry(number).or_default();
        let length = usize::from(part.last()) + 1;
        if people.len() < length {
            people.resize(length, Timed::default());
        }
        for position in part.iter() {
            let person = people.get_mut(usize::from(position));
            changed |= person.is_some_and(|person| person.raise(cell));
        }
        changed
    }

    /// Takes out the people's cells that the whole's cell beats or equals.
    fn prune(&mut self, number: u32) {
        let whole = at(&self.wholes, number);
        let Some(people) = self.people.get_mut(&number) else {
            return;
        };
        for person in people.iter_mut().filter(|own| own.code <= whole.code) {
            *person = Timed::default();
        }
        let length = people.iter().rposition(|own| own.code > 0);
        match length {
            Some(last) => people.truncate(last + 1),
            None => drop(self.people.remove(&number)),
        }
    }

    /// How many people of a delivery were accepted at the time, and not earlier (409).
    fn accepted_now(&self, number: u32) -> u64 {
        let is_accepted_now = |code| Cell::of_code(code).is_some_and(Cell::is_accepted_now);
        if self.people.contains_key(&number) {
            let cells = self.cells(number);
            return cells.filter(|cell| is_accepted_now(cell.code)).count() as u64;
        }
        if is_accepted_now(at(&self.wholes, number).code) {
            u64::from(at(&self.sizes, number))
        } else {
            0
        }
    }

    /// The cell of each person of a delivery, as far as its people are known.
    fn cells(&self, number: u32) -> impl Iterator<Item = Timed> {
        let whole = at(&self.wholes, number);
        let people = self.people.get(&number).map_or(&[][..], Vec::as_slice);
        (0..usize::from(at(&self.sizes, number))).map(move |position| {
            let own = people.get(position).filter(|own| own.code > whole.code);
            own.copied().unwrap_or(whole)
        })
    }

    /// What became of the person at this position of a delivery; `None` while there is no outcome.
    pub fn cell(&self, delivery: u32, position: u16) -> Option<Cell> {
        let own = self.people.get(&delivery);
        let own = own.and_then(|people| people.get(usize::from(position)));
        let size = at(&self.sizes, delivery);
        let whole = if position < size {
            at(&self.wholes, delivery).code
        } else {
            0
        };
        Cell::of_code(whole.max(own.map_or(0, |own| own.code)))
    }

    /// The book as an object. Equal books have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        packed::encode(self)
    }

    /// Reads a book's object.
    pub fn decode(object: &[u8]) -> Result<Self, BookError> {
        packed::decode(object)
    }

    /// The deliveries with people who have no outcome, in ascending order, given the sizes of all
    /// deliveries from the roll: what a sweep publishes again. A split delivery comes again as a
    /// whole, under the whole's key.
    pub fn waiting_deliveries<'a>(&'a self, sizes: &'a [u16]) -> impl Iterator<Item = u32> + 'a {
        let deliveries = (0..).zip(sizes);
        deliveries.filter_map(|(number, size)| (!self.is_settled(number, *size)).then_some(number))
    }

    /// Whether each of so many people of a delivery has an outcome. A firing that continues a run
    /// publishes the others: it makes the same deliveries again, and knows their people.
    pub fn is_settled(&self, delivery: u32, people: u16) -> bool {
        let settled = self.cells(delivery).filter(|cell| cell.code > 0).count();
        settled >= usize::from(people)
    }

    /// The counts, made from the cells.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            recipients: self.recipients,
            first: self.first,
            last: self.last,
            accepted_over_time: self.over_time.clone(),
            words: self.words.clone(),
            ..Tally::default()
        };
        let mut counter = CellCounter::default();
        for (number, (whole, size)) in (0..).zip(self.wholes.iter().zip(&self.sizes)) {
            let settled = if self.people.contains_key(&number) {
                let mut settled = *size > 0;
                for cell in self.cells(number) {
                    settled &= cell.code > 0;
                    counter.add(cell, 1);
                }
                settled
            } else {
                counter.add(*whole, u64::from(*size));
                whole.code > 0
            };
            let endpoint = if *size == 1 {
                &mut tally.settled.push
            } else {
                &mut tally.settled.multicast
            };
            *endpoint += u64::from(settled);
        }
        counter.count(&mut tally);
        tally
    }
}

/// A time in whole milliseconds.
fn milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Keeps the larger number; whether it was the new one.
fn raise(number: Option<&mut u16>, to: u16) -> bool {
    match number {
        Some(number) if *number < to => {
            *number = to;
            true
        }
        _ => false,
    }
}

/// What stands at this delivery's place, nothing behind the end.
fn at<T: Copy + Default>(column: &[T], number: u32) -> T {
    let index = usize::try_from(number).ok();
    index
        .and_then(|index| column.get(index))
        .copied()
        .unwrap_or_default()
}

fn at_mut<T>(column: &mut [T], number: u32) -> Option<&mut T> {
    column.get_mut(usize::try_from(number).ok()?)
}

#[cfg(test)]
mod tests;
