//! Numbers and times in words.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, HumanFloatCount};
use jiff::{SignedDuration, Timestamp};

/// A share of all with one decimal. It is 0 or 100 only where it is nobody or everybody.
pub(crate) fn percent(part: u64, all: u64) -> String {
    if part == 0 || all == 0 {
        return "0 %".into();
    }
    if part == all {
        return "100 %".into();
    }
    let tenths = u128::from(part) * 1_000 / u128::from(all);
    match tenths {
        0 => "<0.1 %".into(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// A number of things: `1 person`, `1,840 people`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", HumanCount(number))
}

/// A number without its decimals: `5,382`.
pub(crate) fn rounded(number: f64) -> String {
    HumanFloatCount(number.round()).to_string()
}

/// A number of people.
pub(crate) fn people(number: u64) -> String {
    count(number, "person", "people")
}

/// A time in whole seconds.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How far a time is from now: `12 minutes ago`, `in 2 hours`.
pub(crate) fn from_now(time: Timestamp, now: Timestamp) -> String {
    if time > now {
        format!("in {}", duration(time.duration_since(now)))
    } else {
        format!("{} ago", duration(now.duration_since(time)))
    }
}

/// A length of time in its largest unit.
pub(crate) fn duration(duration: SignedDuration) -> String {
    let seconds = Duration::from_secs(duration.as_secs().unsigned_abs());
    HumanDuration(seconds).to_string()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_and_everybody_are_told_from_hardly_anybody_and_almost_everybody() {
        for (part, all, words) in [
            (0, 0, "0 %"),
            (0, 10, "0 %"),
            (1, 1_000_000, "<0.1 %"),
            (1, 3, "33.3 %"),
            (999_999, 1_000_000, "99.9 %"),
            (7, 7, "100 %"),
            (u64::MAX - 1, u64::MAX, "99.9 %"),
        ] {
            assert_eq!(percent(part, all), words);
        }
    }

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
    fn times_are_told_from_now() {
        let now: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(from_now(at(-720), now), "12 minutes ago");
        assert_eq!(from_now(at(7_200), now), "in 2 hours");
        assert_eq!(from_now(at(-1), now), "1 second ago");
        assert_eq!(time(at(1)), "2026-12-25T08:00:01Z");
        assert_eq!(people(1), "1 person");
        assert_eq!(people(1_840), "1,840 people");
        assert_eq!(count(2_000, "push", "pushes"), "2,000 pushes");
        assert_eq!(rounded(5_382.4), "5,382");
        assert_eq!(rounded(0.4), "0");
    }
}
