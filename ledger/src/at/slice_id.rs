//! The name of a slice within its run.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AtError, number};

/// The name of a slice: the number of its first row, which no other slice of the list has. The
/// slice of a canary's sample has the same rows and a `c` behind the number: `1c` is the sample of
/// `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceId {
    row: NonZeroU64,
    canary: bool,
}

impl SliceId {
    /// The slice that begins with this row; the list's first row is 1.
    pub fn new(first_row: NonZeroU64) -> Self {
        Self {
            row: first_row,
            canary: false,
        }
    }

    /// The slice of the canary's sample among the same rows.
    #[must_use]
    pub fn canary(self) -> Self {
        Self {
            canary: true,
            ..self
        }
    }

    /// The slice of all others among the same rows.
    #[must_use]
    pub fn others(self) -> Self {
        Self {
            canary: false,
            ..self
        }
    }

    /// Whether this is the slice of a canary's sample.
    pub fn is_canary(self) -> bool {
        self.canary
    }

    /// The number of its first row.
    pub fn first_row(self) -> u64 {
        self.row.get()
    }
}

impl fmt::Display for SliceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let canary = if self.canary { "c" } else { "" };
        write!(f, "{}{canary}", self.row)
    }
}

impl FromStr for SliceId {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let (row, canary) = match text.strip_suffix('c') {
            Some(row) => (row, true),
            None => (text, false),
        };
        let row = number(row).ok_or(AtError::Slice)?;
        Ok(Self { row, canary })
    }
}

impl Serialize for SliceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SliceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
