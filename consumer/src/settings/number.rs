//! Numbers among the environment variables, each with its range.

use std::ops::RangeInclusive;
use std::time::Duration;

use fanline_core::settings::Reader;

/// More than any channel allows, for a LINE without limits in tests.
const MAX_PER_SECOND: f64 = 100_000.0;
const MIN_PER_SECOND: f64 = 0.001;
/// A function runs for 900 seconds at most.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_SECONDS: f64 = 900.0;

/// Requests a second.
pub(crate) fn rate<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    name: &str,
    default: f64,
) -> f64 {
    number(reader, name, default, MIN_PER_SECOND..=MAX_PER_SECOND)
}

/// A time in seconds.
pub(crate) fn seconds<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    name: &str,
    default: f64,
    min: f64,
) -> Duration {
    Duration::from_secs_f64(number(reader, name, default, min..=MAX_SECONDS))
}

fn number<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    name: &str,
    default: f64,
    range: RangeInclusive<f64>,
) -> f64 {
    match reader.optional(name) {
        Some(value) if range.contains(&value) => value,
        Some(_) => {
            let (min, max) = (range.start(), range.end());
            reader.problem(format!("`{name}` is not a number from {min} to {max}"));
            default
        }
        None => default,
    }
}
