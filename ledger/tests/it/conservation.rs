//! Every row of a list is in exactly one place, whatever becomes of it.

use std::collections::BTreeMap;

use fanline_ledger::{
    Book, BookAudit, ByEndpoint, DeliveryOutcome, FinalOutcome, RollReader, RollWriter, RowMark,
    RunSum, SliceCounts, SliceId, SliceLine, SliceLines,
};
use fanline_telemetry::fingerprint::Fingerprinter;
use proptest::prelude::*;

use crate::world::{Attempts, best_cells, deliveries, slice};

/// A slice as the fan-out meets it.
#[derive(Debug, Clone)]
struct Slice {
    deliveries: Vec<Attempts>,
    rejected: u64,
    duplicates: u64,
    /// Whether a producer has read it.
    is_read: bool,
}

fn a_slice() -> impl Strategy<Value = Slice> {
    (deliveries(), 0u64..4, 0u64..4, prop::bool::weighted(0.8)).prop_map(
        |(deliveries, rejected, duplicates, is_read)| Slice {
            deliveries,
            rejected,
            duplicates,
            is_read,
        },
    )
}

impl Slice {
    fn recipients(&self) -> u64 {
        let people = self.deliveries.iter();
        people.map(|delivery| delivery.people as u64).sum()
    }

    fn rows(&self) -> u64 {
        self.recipients() + self.rejected + self.duplicates
    }

    fn counts(&self, id: SliceId) -> SliceCounts {
        let counts = SliceCounts::new(id, self.recipients(), self.rejected, self.duplicates);
        let (mut push, mut multicast) = (0, 0);
        for delivery in &self.deliveries {
            let endpoint = if delivery.people == 1 {
                &mut push
            } else {
                &mut multicast
            };
            *endpoint += 1;
        }
        counts.published(ByEndpoint { push, multicast })
    }

    fn outcomes(&self, id: SliceId) -> Vec<DeliveryOutcome> {
        (0..)
            .zip(&self.deliveries)
            .flat_map(|(number, delivery)| delivery.outcomes(id, number))
            .collect()
    }

    /// The roll of the slice: the rows of a delivery lie together, the others at the end.
    fn roll(&self, id: SliceId) -> Vec<u8> {
        let keyed = Fingerprinter::new("run");
        let mut writer = RollWriter::new(Vec::new(), id, &keyed).unwrap();
        let mut row = id.first_row();
        for (number, delivery) in (0..).zip(&self.deliveries) {
            let first = row;
            for _ in 0..delivery.people {
                writer.sent(keyed.of(&row.to_string()));
                row += 1;
            }
            writer.delivery(number, first..row).unwrap();
        }
        for _ in 0..self.rejected {
            writer.rejected().unwrap();
        }
        for _ in 0..self.duplicates {
            writer.duplicate(keyed.of("again")).unwrap();
        }
        writer.finish().unwrap().0
    }
}

/// The slices' ids: each begins where the one before ends.
fn ids(slices: &[Slice]) -> Vec<SliceId> {
    slices
        .iter()
        .scan(1, |row, slice| {
            let first = *row;
            *row += slice.rows();
            Some(self::slice(&first.to_string()))
        })
        .collect()
}

proptest! {
    #[test]
    fn the_sum_of_a_run_is_its_rows(slices in prop::collection::vec(a_slice(), 1..4)) {
        let mut sum = RunSum::default();
        let mut expected: BTreeMap<FinalOutcome, u64> = BTreeMap::new();
        let mut waiting = 0;
        for (id, slice) in ids(&slices).into_iter().zip(&slices) {
            sum.lines.0.push(SliceLine { slice: id, rows: slice.rows(), start: 0, end: 0 });
            if !slice.is_read {
                continue;
            }
            let counts = SliceCounts::decode(&slice.counts(id).encode()).unwrap();
            let outcomes = slice.outcomes(id);
            let mut book = Book::new(id, counts.recipients);
            for outcome in &outcomes {
                book.merge(outcome);
            }
            let best = best_cells(&outcomes);
            for cell in best.values() {
                *expected.entry(cell.outcome()).or_default() += 1;
            }
            waiting += counts.recipients - best.len() as u64;
            let roll = slice.roll(id);
            let (totals, sizes) = RollReader::new(&roll[..]).unwrap().sizes().unwrap();
            prop_assert!(totals.agrees_with(&counts));
            prop_assert!(BookAudit::of(&book, &sizes).agrees_with(&book.tally()));
            let left: Vec<u32> = book.waiting_deliveries(&sizes).collect();
            let still = |(number, delivery): (u32, &Attempts)| {
                let people = 0..u16::try_from(delivery.people).unwrap();
                let waits = people.into_iter().any(|p| !best.contains_key(&(number, p)));
                waits.then_some(number)
            };
            let waits: Vec<u32> = (0..).zip(&slice.deliveries).filter_map(still).collect();
            prop_assert_eq!(left, waits);
            sum.counts.insert(id, counts);
            sum.tallies.insert(id, book.tally());
        }
        sum.lines = SliceLines::decode(&sum.lines.encode()).unwrap();
        let equation = sum.equation();
        prop_assert_eq!(equation.difference(), 0);
        for outcome in FinalOutcome::ALL {
            let people = expected.get(&outcome).copied().unwrap_or(0);
            prop_assert_eq!(equation.people.of(outcome), people, "{}", outcome);
        }
        prop_assert_eq!(equation.waiting, waiting);
        let unread: u64 = slices.iter().filter(|slice| !slice.is_read).map(Slice::rows).sum();
        prop_assert_eq!(equation.unread, unread);
        prop_assert_eq!(sum.is_settled(), unread == 0 && waiting == 0);
    }

    #[test]
    fn a_lost_or_invented_outcome_is_seen(slices in a_slice(), number in 0u32..12) {
        let id = slice("1");
        let roll = slices.roll(id);
        let (totals, sizes) = RollReader::new(&roll[..]).unwrap().sizes().unwrap();
        let mut book = Book::new(id, totals.recipients);
        for outcome in slices.outcomes(id) {
            book.merge(&outcome);
        }
        let Some(outcome) = slices.outcomes(id).into_iter().next() else { return Ok(()) };
        // People that the roll has not: a delivery too many, or a larger one.
        let forged = DeliveryOutcome {
            standing: fanline_ledger::Standing::At(format!("1:{number}").parse().unwrap()),
            people: 500,
            ..outcome
        };
        if sizes.get(usize::try_from(number).unwrap()) == Some(&500) {
            return Ok(());
        }
        if book.merge(&forged) == fanline_ledger::Merged::Misfit {
            return Ok(());
        }
        prop_assert!(!BookAudit::of(&book, &sizes).agrees_with(&book.tally()));
    }
}

#[test]
fn a_person_is_found_from_the_fingerprint_to_the_cell() {
    let id = slice("1");
    let keyed = Fingerprinter::new("run");
    let mut writer = RollWriter::new(Vec::new(), id, &keyed).unwrap();
    for person in ["U1", "U2", "U3"] {
        writer.sent(keyed.of(person));
    }
    writer.delivery(0, [2]).unwrap();
    writer.delivery(1, [1, 3]).unwrap();
    let (roll, _) = writer.finish().unwrap();
    let found = RollReader::new(&roll[..]).unwrap().find(&[keyed.of("U3")]);
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].row, 3);
    let mark = RowMark::Sent {
        delivery: 1,
        position: 1,
    };
    assert_eq!(found[0].mark, mark);
}
