//! The positions of some people in a delivery.

use std::fmt;
use std::str::FromStr;

use fanline_core::limits::line::MAX_RECIPIENTS;

use super::{AtError, number};

/// The positions of some people in a delivery, from 0: at least one, each once, below 500.
///
/// The text is their shortest form, such as `0-16,18-499`, so that equal sets have equal text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Positions(Vec<Range>);

/// A first and a last position. Ranges are sorted, and at least one position lies between two of
/// them.
type Range = (u16, u16);

impl Positions {
    /// These positions; `None` unless they ascend, lie below 500, and there is one.
    pub fn new(positions: &[usize]) -> Option<Self> {
        let mut ranges: Vec<Range> = Vec::new();
        for &position in positions {
            if position >= MAX_RECIPIENTS {
                return None;
            }
            let position = u16::try_from(position).ok()?;
            match ranges.last_mut() {
                Some((_, last)) if position <= *last => return None,
                Some((_, last)) if position == *last + 1 => *last = position,
                _ => ranges.push((position, position)),
            }
        }
        Self::of_ranges(ranges)
    }

    /// The positions `0` to `people - 1`; `None` for nobody, and for more than 500.
    pub fn all(people: usize) -> Option<Self> {
        let last = u16::try_from(people.checked_sub(1)?).ok()?;
        Self::of_ranges(vec![(0, last)]).filter(|_| people <= MAX_RECIPIENTS)
    }

    fn of_ranges(ranges: Vec<Range>) -> Option<Self> {
        Some(Self(ranges)).filter(|positions| !positions.0.is_empty())
    }

    /// How many there are. It is never 0.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there is always a position: a set of none can't be made"
    )]
    pub fn len(&self) -> usize {
        let ranges = self.0.iter();
        ranges
            .map(|(first, last)| usize::from(last - first) + 1)
            .sum()
    }

    /// The highest position.
    pub fn last(&self) -> u16 {
        self.0.last().map_or(0, |(_, last)| *last)
    }

    /// The positions in their order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Whether this position is among them.
    pub fn contains(&self, position: u16) -> bool {
        let mut ranges = self.0.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&position))
    }

    /// The positions that are in both; `None` where there is none.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let mut both = Vec::new();
        for (first, last) in &self.0 {
            for (from, to) in &other.0 {
                let common = (*first.max(from), *last.min(to));
                if common.0 <= common.1 {
                    both.push(common);
                }
            }
        }
        Self::of_ranges(both)
    }

    /// Whether each of them is in `other` too.
    pub fn is_subset(&self, other: &Self) -> bool {
        let mut ranges = self.0.iter();
        ranges.all(|(first, last)| {
            let mut others = other.0.iter();
            others.any(|(from, to)| from <= first && last <= to)
        })
    }

    /// The positions that stand at these places of this set: `[1]` picks the second. `None` where a
    /// place is out of range, out of order, or where there is none.
    pub fn pick(&self, places: &[usize]) -> Option<Self> {
        let all: Vec<u16> = self.iter().collect();
        let picked: Option<Vec<usize>> = places
            .iter()
            .map(|place| all.get(*place).copied().map(usize::from))
            .collect();
        Self::new(&picked?)
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Positions {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let mut ranges: Vec<Range> = Vec::new();
        for range in text.split(',') {
            let (first, last) = match range.split_once('-') {
                Some((first, last)) => (number(first), number(last)),
                None => (number(range), number(range)),
            };
            let (Some(first), Some(last)) = (first, last) else {
                return Err(AtError::Positions);
            };
            // What has a shorter form is refused: `3-3` is `3`, and `0-3,4` is `0-4`.
            let in_order = first < last || (first == last && !range.contains('-'));
            let apart = ranges.last().is_none_or(|(_, before)| before + 1 < first);
            if !in_order || !apart || usize::from(last) >= MAX_RECIPIENTS {
                return Err(AtError::Positions);
            }
            ranges.push((first, last));
        }
        Ok(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(positions: &BTreeSet<usize>) -> Option<Positions> {
        Positions::new(&positions.iter().copied().collect::<Vec<_>>())
    }

    #[test]
    fn a_set_has_one_person_at_least_and_500_at_most() {
        assert_eq!(Positions::new(&[]), None);
        assert_eq!(Positions::all(0), None);
        assert_eq!(Positions::all(501), None);
        assert_eq!(Positions::all(1).unwrap().to_string(), "0");
        assert_eq!(Positions::all(500).unwrap().to_string(), "0-499");
    }

    proptest! {
        #[test]
        fn it_is_a_set(a in btree_set(0usize..500, 0..60), b in btree_set(0usize..500, 0..60)) {
            let Some(left) = set(&a) else { return Ok(()) };
            let numbers: BTreeSet<usize> = left.iter().map(usize::from).collect();
            prop_assert_eq!(numbers, a.clone());
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(usize::from(left.last()), *a.last().unwrap());
            prop_assert_eq!(left.to_string().parse::<Positions>(), Ok(left.clone()));
            let Some(right) = set(&b) else { return Ok(()) };
            let both: BTreeSet<usize> = a.intersection(&b).copied().collect();
            prop_assert_eq!(left.intersect(&right), set(&both));
            prop_assert_eq!(left.is_subset(&right), a.is_subset(&b));
            for position in 0..500 {
                prop_assert_eq!(left.contains(position), a.contains(&usize::from(position)));
            }
        }

        #[test]
        fn what_is_picked_stands_in_the_whole(
            all in btree_set(0usize..500, 1..60),
            places in btree_set(0usize..60, 1..20),
        ) {
            let within = set(&all).unwrap();
            let all: Vec<usize> = all.into_iter().collect();
            let places: Vec<usize> = places.into_iter().collect();
            let picked = places.iter().map(|place| all.get(*place).copied());
            let picked: Option<Vec<usize>> = picked.collect();
            let expected = picked.and_then(|picked| Positions::new(&picked));
            prop_assert_eq!(within.pick(&places), expected);
        }
    }
}
