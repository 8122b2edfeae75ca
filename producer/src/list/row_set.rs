//! A set of rows, with one bit for each row up to the last one in it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which of many rows are in the set. Rows have numbers from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowSet {
    words: Vec<u64>,
}

/// The form of a set in a message: distances between its rows, or one bit for each row.
const DISTANCES: u8 = 0;
const BITS: u8 = 1;

/// No list has so many rows. This bounds the memory that a message can ask for.
const MAX_ROW: u64 = 1 << 30;

impl RowSet {
    /// Adds a row.
    pub(crate) fn insert(&mut self, row: u64) {
        let word = index(row / 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (row % 64);
        }
    }

    /// Whether the row is in the set.
    pub(crate) fn contains(&self, row: u64) -> bool {
        let bits = self.words.get(index(row / 64));
        bits.is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }

    /// How many rows are in the set.
    pub(crate) fn len(&self) -> u64 {
        let ones = self.words.iter().map(|bits| u64::from(bits.count_ones()));
        ones.sum()
    }

    /// The rows in the set, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        let words = (0..).step_by(64).zip(&self.words);
        words.flat_map(|(first, bits)| {
            let rows = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            rows.map(move |bit| first + bit)
        })
    }

    /// Those of `rows` rows from `first` on that are in the set, numbered from 0 again.
    pub(crate) fn part(&self, first: u64, rows: u64) -> Self {
        let shift = first % 64;
        let from = index(first / 64);
        let word = |at: usize| self.words.get(from + at).copied().unwrap_or(0);
        let mut words: Vec<u64> = (0..index(rows.div_ceil(64)))
            .map(|at| match shift {
                0 => word(at),
                _ => word(at) >> shift | word(at + 1) << (64 - shift),
            })
            .collect();
        if let (Some(last), 1..) = (words.last_mut(), rows % 64) {
            *last &= (1 << (rows % 64)) - 1;
        }
        while words.last() == Some(&0) {
            words.pop();
        }
        Self { words }
    }

    fn distances(&self) -> Vec<u8> {
        let mut bytes = vec![DISTANCES];
        let mut next = 0;
        for row in self.iter() {
            let mut distance = row - next;
            next = row + 1;
            while distance >= 128 {
                // A mark says that more follow.
                bytes.push(low_bits(distance) | 128);
                distance >>= 7;
            }
            bytes.push(low_bits(distance));
        }
        bytes
    }

    /// The shorter of the two forms.
    fn to_bytes(&self) -> Vec<u8> {
        let bits = self.words.iter().flat_map(|bits| bits.to_le_bytes());
        let distances = self.distances();
        if distances.len() <= self.words.len() * 8 + 1 {
            return distances;
        }
        std::iter::once(BITS).chain(bits).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut set = Self::default();
        match bytes.split_first()? {
            (&BITS, bits) => {
                let (words, []) = bits.as_chunks() else {
                    return None;
                };
                set.words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
            }
            (&DISTANCES, distances) => {
                let (mut row, mut distance, mut shift) = (0_u64, 0_u64, 0_u32);
                for byte in distances {
                    distance |= u64::from(byte & 127).checked_shl(shift)?;
                    shift += 7;
                    if byte & 128 == 0 {
                        row = row.checked_add(distance).filter(|row| *row < MAX_ROW)?;
                        set.insert(row);
                        (row, distance, shift) = (row + 1, 0, 0);
                    }
                }
                if shift > 0 {
                    return None;
                }
            }
            _ => return None,
        }
        Some(set)
    }
}

/// The low seven bits.
fn low_bits(number: u64) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low & 127
}

/// The place of a word of bits.
fn index(word: u64) -> usize {
    // A set that has no room in memory fails where it grows.
    usize::try_from(word).unwrap_or(usize::MAX)
}

impl Serialize for RowSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for RowSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or_else(|| serde::de::Error::custom("is not a set of rows"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set_of(rows: &BTreeSet<u64>) -> RowSet {
        let mut set = RowSet::default();
        for row in rows {
            set.insert(*row);
        }
        set
    }

    #[test]
    fn a_few_rows_of_millions_and_half_of_them_both_make_a_short_message() {
        let few = set_of(&[0, 1_999_999].into());
        assert_eq!(serde_json::to_string(&few).unwrap(), r#""AAD+iHo=""#);
        let half = set_of(&(0..2_097_152).step_by(2).collect());
        let message = serde_json::to_string(&half).unwrap();
        assert!(message.len() < 350_000, "{}", message.len());
    }

    #[test]
    fn what_is_no_set_is_an_error() {
        for text in ["\"\"", "\"AA\"", "\"Ag==\"", "\"AYA=\"", "\"AIA=\"", "5"] {
            assert!(serde_json::from_str::<RowSet>(text).is_err(), "{text}");
        }
        let huge = BASE64_STANDARD.encode([0, 255, 255, 255, 255, 255, 127]);
        assert!(serde_json::from_str::<RowSet>(&format!("{huge:?}")).is_err());
    }

    proptest! {
        #[test]
        fn a_set_holds_its_rows_and_reads_back(
            rows in prop::collection::btree_set(0u64..700, 0..200),
            first in 0u64..800, count in 0u64..800
        ) {
            let set = set_of(&rows);
            prop_assert_eq!(set.len(), rows.len() as u64);
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), rows.clone());
            for row in 0..900 {
                prop_assert_eq!(set.contains(row), rows.contains(&row));
            }
            let part = rows.range(first..first + count).map(|row| row - first).collect();
            prop_assert_eq!(set.part(first, count), set_of(&part));
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<RowSet>(&json).unwrap(), set);
        }
    }
}
