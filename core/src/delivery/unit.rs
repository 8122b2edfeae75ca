//! The name under which LINE counts what people do with a run's messages.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// LINE's names have at most so many characters.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
const MAX_NAME: usize = 30;
/// So many bytes of the hash are in the name of a run's unit.
const HASH_BYTES: usize = 10;

/// LINE's aggregation unit: 1 to 30 of `A-Z`, `a-z`, `0-9` and `_`. A request names one at most,
/// and an account has 1,000 names a month. LINE sends what has another name without it, and says
/// nothing.
/// <https://developers.line.biz/en/docs/messaging-api/unit-based-statistics-aggregation/>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AggregationUnit(String);

impl AggregationUnit {
    /// The unit of a run: `f` and 20 digits of the SHA-256 of its name. It never changes, since the
    /// retry keys of the run depend on it.
    pub fn of_run(run: &str) -> Self {
        let mut name = String::from("f");
        for byte in Sha256::digest(run.as_bytes()).iter().take(HASH_BYTES) {
            for digit in [byte >> 4, byte & 15] {
                name.extend(char::from_digit(digit.into(), 16));
            }
        }
        Self(name)
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AggregationUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AggregationUnit {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let in_set = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(in_set) {
            Ok(Self(name))
        } else {
            Err("not the name of an aggregation unit")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_run_is_pinned_and_a_name_that_line_takes() {
        let unit = AggregationUnit::of_run("easter");
        assert_eq!(unit.as_str(), "ff39889eb42412593927c");
        assert_eq!(AggregationUnit::try_from(unit.to_string()), Ok(unit));
        for wrong in ["", "new-item", "a b", "\"", "x".repeat(31).as_str()] {
            assert!(
                AggregationUnit::try_from(wrong.to_owned()).is_err(),
                "{wrong}"
            );
        }
    }
}
