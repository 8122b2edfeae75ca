//! How numbers are written for people.

use std::fmt;
use std::time::Duration;

/// A time in its two largest units: `8 min 20 s`.
pub(crate) struct HumanTime(pub(crate) Duration);

impl fmt::Display for HumanTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

/// `1 push`, `2 pushes`: a count with its word.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    let count = indicatif::HumanCount(n);
    let word = if n == 1 { one } else { many };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (500, "8 min 20 s"),
            (3_600, "1 h 0 min"),
            (90_061, "25 h 1 min"),
        ] {
            assert_eq!(HumanTime(Duration::from_secs(seconds)).to_string(), words);
        }
    }

    #[test]
    fn one_has_its_own_word() {
        assert_eq!(counted(1, "push", "pushes"), "1 push");
        assert_eq!(counted(2_000, "push", "pushes"), "2,000 pushes");
    }
}
