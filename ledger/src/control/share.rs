//! A share of people, such as `5%`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share of people in hundredths of a percent: `0.01%` to `100%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u16);

/// Why a text is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a share such as `5%` or `0.25%`")]
pub struct ShareError;

/// A whole, in hundredths of a percent.
const WHOLE: u16 = 10_000;

impl Share {
    /// So many hundredths of a percent; `None` for 0 and for more than a whole.
    pub fn of_hundredths(hundredths: u16) -> Option<Self> {
        (1..=WHOLE)
            .contains(&hundredths)
            .then_some(Self(hundredths))
    }

    /// The smallest share of `all` that is `some` people or more.
    pub(super) fn of_people(some: u64, all: u64) -> Self {
        let whole = u64::from(WHOLE);
        let hundredths = some.saturating_mul(whole).div_ceil(all.max(1));
        Self(u16::try_from(hundredths.clamp(1, whole)).unwrap_or(WHOLE))
    }

    /// The share in hundredths of a percent.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// The share as a part of 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let number = text.strip_suffix('%').ok_or(ShareError)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 3 {
            return Err(ShareError);
        }
        let whole: u16 = whole.parse().map_err(|_| ShareError)?;
        let tenths: u16 = part.parse().map_err(|_| ShareError)?;
        let hundredths = if part.len() == 1 { tenths * 10 } else { tenths };
        Self::of_hundredths(whole * 100 + hundredths).ok_or(ShareError)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_written() {
        for (text, hundredths, written) in [
            ("5%", 500, "5%"),
            ("100%", 10_000, "100%"),
            ("0.01%", 1, "0.01%"),
            ("0.5%", 50, "0.5%"),
            ("0.50 %", 50, "0.5%"),
            ("12.25%", 1_225, "12.25%"),
            ("12.05%", 1_205, "12.05%"),
        ] {
            let share: Share = text.parse().unwrap();
            assert_eq!(share.hundredths(), hundredths, "{text}");
            assert_eq!(share.to_string(), written);
        }
        for text in [
            "", "%", "5", "0%", "0.00%", "100.01%", "-1%", "1,5%", ".5%", "5.%", "0.001%", "9999%",
        ] {
            assert_eq!(text.parse::<Share>(), Err(ShareError), "{text}");
        }
    }

    #[test]
    fn a_number_of_people_is_the_smallest_share_that_has_them() {
        for (some, all, hundredths) in [
            (50, 1_000_000, 1),
            (50, 10_000, 50),
            (50, 50, 10_000),
            (500, 50, 10_000),
            (50, 0, 10_000),
            (51, 10_100, 51),
        ] {
            assert_eq!(
                Share::of_people(some, all).hundredths(),
                hundredths,
                "{some} of {all}"
            );
        }
    }
}
