//! The book of deliveries that have no place in the run: counted by retry key, apart from the run's
//! sum.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::head::{BookError, Head};
use super::packed::{Cursor, Table, pack, push_len, unpack};
use super::tally::Tally;
use super::{Merged, PeopleOverTime, milliseconds, raise, tally};
use crate::outcomes::{Cell, DeliveryOutcome, Standing};
use crate::varint;
use jiff::Timestamp;

/// The name that stands in place of a slice.
const NAME: &str = "loose";

/// The namespace of the keys of misfits, which have a place and no retry key.
const MISFITS: Uuid = Uuid::from_u128(0x0a1c_5d0e_7f3b_5a52_8e64_1d9b_c3f0_7721);

/// What became of deliveries that have no place in the run: a body without `at`, written by hand or
/// by an older producer, or an `at` that does not fit its slice.
///
/// Nobody can say which row they are, so they are shown beside a run's sum and are not part of it.
/// They are few, as a rule: this book takes 20 bytes for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LooseBook {
    /// By key: the cell, and how many people it is of.
    cells: BTreeMap<Uuid, (u16, u16)>,
    over_time: PeopleOverTime,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl LooseBook {
    /// Merges an outcome as [`super::Book::merge`] does. It fits always.
    pub fn merge(&mut self, outcome: &DeliveryOutcome) -> Merged {
        let key = match &outcome.standing {
            Standing::Loose(key) => *key,
            Standing::At(at) => Uuid::new_v5(&MISFITS, at.to_string().as_bytes()),
        };
        let (code, people) = self.cells.entry(key).or_default();
        let accepted = |code: u16, people: u16| {
            let now = Cell::of_code(code).is_some_and(Cell::is_accepted_now);
            u64::from(people) * u64::from(now)
        };
        let before = accepted(*code, *people);
        let mut changed = raise(Some(&mut *people), outcome.people);
        changed |= raise(Some(&mut *code), outcome.cell().code());
        let accepted = accepted(*code, *people).saturating_sub(before);
        self.over_time.add(outcome.time, accepted);
        let time = Some(milliseconds(outcome.time));
        let times = (tally::earlier(self.first, time), self.last.max(time));
        changed |= times != (self.first, self.last);
        (self.first, self.last) = times;
        if changed {
            Merged::Changed
        } else {
            Merged::Known
        }
    }

    /// The counts. All its people have an outcome, so its recipients are those.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            first: self.first,
            last: self.last,
            accepted_over_time: self.over_time.clone(),
            ..Tally::default()
        };
        let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
        for (code, people) in self.cells.values() {
            *counts.entry(*code).or_default() += u64::from(*people);
            let endpoint = if *people == 1 {
                &mut tally.settled.push
            } else {
                &mut tally.settled.multicast
            };
            *endpoint += 1;
        }
        for (code, people) in counts {
            if let Some(cell) = Cell::of_code(code) {
                tally.count(cell, people);
            }
        }
        tally.recipients = tally.people.all();
        tally
    }

    /// The book as an object. Equal books have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let table = Table::of(self.cells.values().map(|(code, _)| *code));
        let mut plain = Vec::with_capacity(self.cells.len() * 20 + 1024);
        table.push_to(&mut plain);
        push_len(&mut plain, self.cells.len());
        for (key, (code, people)) in &self.cells {
            plain.extend_from_slice(key.as_bytes());
            table.push_index(&mut plain, *code);
            varint::push(&mut plain, u64::from(*people));
        }
        Head::object(NAME.into(), self.tally(), &pack(&plain))
    }

    /// Reads a book's object.
    pub fn decode(object: &[u8]) -> Result<Self, BookError> {
        let (head, packed) = Head::read(object)?;
        if head.slice != NAME {
            return Err(BookError::Head("it is the book of a slice".into()));
        }
        let plain = unpack(&head, packed)?;
        let mut plain = Cursor(&plain);
        let table = Table::read(&mut plain)?;
        let mut book = Self {
            over_time: head.tally.accepted_over_time,
            first: head.tally.first,
            last: head.tally.last,
            ..Self::default()
        };
        for _ in 0..plain.len()? {
            let key = Uuid::from_slice(plain.take(16)?);
            let key = key.map_err(|_| BookError::Damaged("it ends too early"))?;
            let code = table.code(&mut plain)?;
            book.cells.insert(key, (code, plain.size()?));
        }
        Ok(book)
    }
}
