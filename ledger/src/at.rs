//! Where a delivery stands in its run: the field `at` of a queue message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod positions;
mod slice_id;

pub use positions::Positions;
pub use slice_id::SliceId;

/// Why a text is no place of a delivery. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AtError {
    /// Not two or three parts with a colon between them.
    #[error("is not `SLICE:DELIVERY` or `SLICE:DELIVERY:POSITIONS`")]
    Shape,
    /// The slice is not the number of a row, with or without a `c`.
    #[error("does not begin with a slice, such as `1` or `1c`")]
    Slice,
    /// The delivery is not a number.
    #[error("does not name a delivery by its number")]
    Delivery,
    /// The positions are not sorted, not disjoint, not in their shortest form, or over 499.
    #[error("does not name positions such as `0-16,18-499`")]
    Positions,
}

/// Where a delivery stands in its run, such as `1:4711`: the slice, and the delivery's number in
/// the slice's sequence.
///
/// The first delivery of a slice has the number 0: it is the number of deliveries before it, the
/// very number that a slice's `skip` counts. A part of a split delivery also has the positions of
/// its people in the whole, such as `1:4711:0-16,18-499`. Equal places have equal text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct At {
    slice: SliceId,
    delivery: u32,
    part: Option<Positions>,
}

impl At {
    /// The place of a whole delivery: its slice, and how many deliveries of the slice come before
    /// it.
    pub fn whole(slice: SliceId, delivery: u32) -> Self {
        Self {
            slice,
            delivery,
            part: None,
        }
    }

    /// The place of the part of this delivery that has the people at `indexes` of its recipients,
    /// in ascending order.
    ///
    /// An index counts in the recipients of *this* delivery, which may be a part already. The new
    /// place counts in the whole. `None` where an index is out of range, out of order, or where
    /// there is none.
    #[must_use]
    pub fn part(&self, indexes: &[usize]) -> Option<Self> {
        let within = match &self.part {
            Some(part) => part.pick(indexes),
            None => Positions::new(indexes),
        };
        Some(Self {
            part: Some(within?),
            ..self.clone()
        })
    }

    /// The slice that the delivery is of.
    pub fn slice(&self) -> SliceId {
        self.slice
    }

    /// The delivery's number in its slice, from 0.
    pub fn delivery(&self) -> u32 {
        self.delivery
    }

    /// The positions of a part; `None` for a whole delivery.
    pub fn positions(&self) -> Option<&Positions> {
        self.part.as_ref()
    }

    /// Whether a delivery to so many people can stand here. Where it can't, its `at` says nothing:
    /// it is loose.
    pub fn fits(&self, people: usize) -> bool {
        match &self.part {
            Some(part) => part.len() == people,
            None => (1..=fanline_core::limits::line::MAX_RECIPIENTS).contains(&people),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.slice, self.delivery)?;
        match &self.part {
            Some(part) => write!(f, ":{part}"),
            None => Ok(()),
        }
    }
}

impl FromStr for At {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let mut fields = text.split(':');
        let (Some(slice), Some(delivery), part, None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(AtError::Shape);
        };
        Ok(Self {
            slice: slice.parse()?,
            delivery: number(delivery).ok_or(AtError::Delivery)?,
            part: part.map(str::parse).transpose()?,
        })
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A decimal number in its only form: no sign, no leading zero.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| digits && shortest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_is_read_and_written_in_one_form_only() {
        for text in [
            "1:0",
            "1:4711",
            "1c:4711",
            "18446744073709551615c:4294967295",
            "1:4711:17",
            "1:4711:0-16,18-499",
            "90001c:3:0,2,4-5",
        ] {
            assert_eq!(text.parse::<At>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_and_the_part_at_fault_is_named() {
        for (text, error) in [
            ("", AtError::Shape),
            ("1", AtError::Shape),
            ("1:2:3:4", AtError::Shape),
            (":1", AtError::Slice),
            ("0:1", AtError::Slice),
            ("01:1", AtError::Slice),
            ("c:1", AtError::Slice),
            ("1C:1", AtError::Slice),
            ("1cc:1", AtError::Slice),
            ("+1:1", AtError::Slice),
            ("18446744073709551616:1", AtError::Slice),
            ("1:", AtError::Delivery),
            ("1:-1", AtError::Delivery),
            ("1:+1", AtError::Delivery),
            ("1:01", AtError::Delivery),
            ("1: 1", AtError::Delivery),
            ("1:4294967296", AtError::Delivery),
            ("1:1:", AtError::Positions),
            ("1:1:500", AtError::Positions),
            ("1:1:0-500", AtError::Positions),
            ("1:1:3-3", AtError::Positions),
            ("1:1:3-2", AtError::Positions),
            ("1:1:5,3", AtError::Positions),
            ("1:1:3,3", AtError::Positions),
            ("1:1:0-3,4", AtError::Positions),
            ("1:1:0-3,2-5", AtError::Positions),
            ("1:1:0,", AtError::Positions),
            ("1:1:0-", AtError::Positions),
            ("1:1:00", AtError::Positions),
        ] {
            assert_eq!(text.parse::<At>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_part_of_a_part_keeps_its_places_in_the_whole() {
        let whole: At = "1:7".parse().unwrap();
        let part = whole.part(&[0, 1, 3, 4]).unwrap();
        assert_eq!(part.to_string(), "1:7:0-1,3-4");
        assert_eq!(part.part(&[1, 2]).unwrap().to_string(), "1:7:1,3");
        for outside in [&[4][..], &[1, 0], &[1, 1], &[]] {
            assert_eq!(part.part(outside), None);
        }
        assert_eq!(whole.part(&[500]), None);
    }

    #[test]
    fn a_place_fits_its_people_and_no_others() {
        let whole: At = "1:7".parse().unwrap();
        let part: At = "1:7:0-1,3".parse().unwrap();
        for (people, in_whole, in_part) in [
            (0, false, false),
            (1, true, false),
            (3, true, true),
            (500, true, false),
            (501, false, false),
        ] {
            assert_eq!(whole.fits(people), in_whole, "{people}");
            assert_eq!(part.fits(people), in_part, "{people}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_written_alike(text in "[0-9c:,-]{0,24}") {
            if let Ok(at) = text.parse::<At>() {
                prop_assert_eq!(at.to_string(), text);
            }
        }
    }
}
