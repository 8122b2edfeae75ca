//! Made-up slices and what may become of them, for whoever merges and adds up.

use std::collections::BTreeMap;

use fanline_ledger::{At, Cell, CellReason, DeliveryOutcome, Departed, SliceId, Standing};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

/// When the first delivery went out.
pub(crate) fn eight() -> Timestamp {
    "2026-12-25T08:00:00Z".parse().unwrap()
}

pub(crate) fn slice(text: &str) -> SliceId {
    text.parse().unwrap()
}

/// What may become of a delivery or a part: reason, status, receives, whether a request departed.
type Ending = (CellReason, Option<u16>, u32, Departed);

fn ending() -> impl Strategy<Value = Ending> {
    let reason = prop::sample::select(CellReason::ALL.to_vec());
    let status = prop::sample::select(vec![None, Some(200), Some(400), Some(409), Some(429)]);
    let departed =
        prop::sample::select(vec![Departed::No, Departed::Answered, Departed::Unanswered]);
    (reason, status, 1u32..3, departed)
}

/// How a delivery was attempted: as a whole, some times, or in parts of so many people, each some
/// times.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    pub(crate) people: usize,
    /// The people of each part; none for a whole.
    parts: Vec<Vec<usize>>,
    endings: Vec<(usize, Ending)>,
}

fn attempts() -> impl Strategy<Value = Attempts> {
    let people = prop_oneof![4 => Just(1usize), 2 => 2usize..6, 1 => Just(500usize)];
    let parts = prop_oneof![3 => Just(1usize), 1 => 2usize..4];
    let endings = prop::collection::vec((0usize..4, ending()), 0..5);
    (people, parts, endings).prop_map(|(people, parts, endings)| Attempts {
        people,
        parts: (0..parts)
            .map(|part| (part..people).step_by(parts).collect::<Vec<_>>())
            .filter(|part: &Vec<usize>| !part.is_empty())
            .collect(),
        endings,
    })
}

/// The deliveries of a slice.
pub(crate) fn deliveries() -> impl Strategy<Value = Vec<Attempts>> {
    prop::collection::vec(attempts(), 1..12)
}

impl Attempts {
    /// What consumers say of this delivery. LINE takes a request once, so whatever is accepted
    /// without a 409 is accepted at one time.
    pub(crate) fn outcomes(&self, slice: SliceId, number: u32) -> Vec<DeliveryOutcome> {
        let whole = At::whole(slice, number);
        let accepted_at = eight() + (7 * i64::from(number)).seconds();
        self.endings
            .iter()
            .map(|(part, (reason, status, receives, departed))| {
                let (at, people) = match self.parts.get(*part) {
                    Some(part) if self.parts.len() > 1 => (whole.part(part).unwrap(), part.len()),
                    _ => (whole.clone(), self.people),
                };
                DeliveryOutcome {
                    standing: Standing::At(at),
                    people: u16::try_from(people).unwrap(),
                    reason: *reason,
                    status: *status,
                    request_id: None,
                    receives: *receives,
                    departed: *departed,
                    latency_ms: Some(100 + receives),
                    time: accepted_at,
                    words: None,
                }
            })
            .collect()
    }
}

/// The best cell of each person, found one by one: what a book has to say.
pub(crate) fn best_cells(outcomes: &[DeliveryOutcome]) -> BTreeMap<(u32, u16), Cell> {
    let mut cells = BTreeMap::new();
    for outcome in outcomes {
        let Standing::At(at) = &outcome.standing else {
            continue;
        };
        let positions: Vec<u16> = match at.positions() {
            Some(part) => part.iter().collect(),
            None => (0..outcome.people).collect(),
        };
        for position in positions {
            let cell = cells
                .entry((at.delivery(), position))
                .or_insert(outcome.cell());
            *cell = outcome.cell().max(*cell);
        }
    }
    cells
}
