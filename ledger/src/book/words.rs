//! What LINE said to those who got nothing, a few examples of each kind.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::outcomes::{Cell, DeliveryOutcome, FinalOutcome, WireCell};

/// So many texts of one kind of cell are kept, and so many in all: a book's head has room for them.
const MAX_OF_A_CELL: usize = 2;
const MAX_WORDS: usize = 8;

/// What LINE said with one outcome, reason and status: texts, with IDs, tokens and texts of the
/// message masked by the consumer.
///
/// Of all texts the first in order are kept. So they depend on the set of outcomes alone, as the
/// cells do. A text may be of people who came to another outcome since: look at the counts first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<WireWords>", try_from = "Vec<WireWords>")]
pub struct CellWords(BTreeSet<(Reverse<Cell>, String)>);

impl CellWords {
    /// The characters of a text that are kept.
    pub(super) const MAX_CHARS: usize = 160;

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts of a kind of cell.
    pub fn of(&self, cell: Cell) -> impl Iterator<Item = &str> {
        let texts = self.0.iter();
        texts.filter_map(move |(known, text)| (known.0 == cell).then_some(text.as_str()))
    }

    /// Keeps what was said with an outcome; whether that changed anything.
    pub(super) fn add(&mut self, outcome: &DeliveryOutcome) -> bool {
        let cell = outcome.cell();
        match &outcome.words {
            Some(words) if cell.outcome() != FinalOutcome::Accepted => {
                let words = words.chars().take(Self::MAX_CHARS);
                let words = words.map(|letter| if letter.is_control() { ' ' } else { letter });
                self.insert(cell, words.collect())
            }
            _ => false,
        }
    }

    /// Adds another slice's texts.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (cell, text) in &other.0 {
            self.insert(cell.0, text.clone());
        }
    }

    pub(super) fn insert(&mut self, cell: Cell, text: String) -> bool {
        let new = (Reverse(cell), text);
        if self.0.contains(&new) {
            return false;
        }
        self.0.insert(new.clone());
        let of_cell = self.0.iter().filter(|(known, _)| known.0 == cell);
        let one_too_many = of_cell.skip(MAX_OF_A_CELL).last().cloned();
        if let Some(last) = one_too_many {
            self.0.remove(&last);
        }
        while self.0.len() > MAX_WORDS {
            self.0.pop_last();
        }
        self.0.contains(&new)
    }
}

/// A text as a tally writes it.
#[derive(Serialize, Deserialize)]
struct WireWords {
    #[serde(flatten)]
    cell: WireCell,
    words: String,
}

impl From<CellWords> for Vec<WireWords> {
    fn from(words: CellWords) -> Self {
        let words = words.0.into_iter();
        words
            .map(|(cell, words)| WireWords {
                cell: cell.0.into(),
                words,
            })
            .collect()
    }
}

impl TryFrom<Vec<WireWords>> for CellWords {
    type Error = &'static str;

    fn try_from(wire: Vec<WireWords>) -> Result<Self, Self::Error> {
        let mut words = Self::default();
        for WireWords { cell, words: text } in wire {
            words.insert(cell.try_into()?, text);
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::CellReason;
    use proptest::prelude::*;

    fn cell(status: u16) -> Cell {
        Cell::new(CellReason::Refused, Some(status), false)
    }

    fn words(texts: &[(u16, u32)]) -> CellWords {
        let mut words = CellWords::default();
        for (status, text) in texts {
            words.insert(cell(*status), format!("problem {text}"));
        }
        words
    }

    #[test]
    fn the_first_texts_of_each_kind_are_kept() {
        let words = words(&[(400, 3), (400, 1), (400, 2), (404, 9)]);
        let of = |status| words.of(cell(status)).collect::<Vec<_>>();
        assert_eq!(of(400), ["problem 1", "problem 2"]);
        assert_eq!(of(404), ["problem 9"]);
        assert!(of(403).is_empty());
        let json = serde_json::to_string(&words).unwrap();
        assert!(json.starts_with(r#"[{"outcome":"refused","status":400,"words":"problem 1"},"#));
        assert_eq!(serde_json::from_str::<CellWords>(&json).unwrap(), words);
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_nor_the_slice_matters(
            (texts, shuffled) in prop::collection::vec((400_u16..410, 0_u32..6), 0..40)
                .prop_flat_map(|texts| {
                    let twice = [texts.clone(), texts.clone()].concat();
                    (Just(texts), Just(twice).prop_shuffle())
                }),
            cut in 0_usize..40,
        ) {
            let all = words(&texts);
            prop_assert!(all.0.len() <= MAX_WORDS);
            prop_assert_eq!(&words(&shuffled), &all);
            let (one, other) = texts.split_at(cut.min(texts.len()));
            let mut sum = words(one);
            sum.add_all(&words(other));
            prop_assert_eq!(sum, all);
        }
    }
}
