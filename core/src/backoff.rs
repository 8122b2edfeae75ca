//! Jittered back-off: one function for every wait between two attempts.

use std::time::Duration;

/// The wait before another attempt: `draw` (from 0 to 1) times a ceiling.
///
/// The ceiling is `base` for the first attempt, which has the number 1. It doubles with each
/// attempt, up to `max`. With full jitter, deliveries that fail together do not come back together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
pub fn full_jitter(base: Duration, max: Duration, attempt: u32, draw: f64) -> Duration {
    ceiling(base, max, attempt).mul_f64(draw.clamp(0.0, 1.0))
}

/// The longest wait before this attempt.
fn ceiling(base: Duration, max: Duration, attempt: u32) -> Duration {
    // 2^16 times any base in use is above every maximum in use.
    let doublings = attempt.saturating_sub(1).min(16);
    base.saturating_mul(1 << doublings).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum_and_the_draw_lies_below_it() {
        let (base, max) = (Duration::from_millis(100), Duration::from_secs(5));
        for (attempt, milliseconds) in [
            (0, 100),
            (1, 100),
            (2, 200),
            (3, 400),
            (6, 3_200),
            (7, 5_000),
            (u32::MAX, 5_000),
        ] {
            let longest = Duration::from_millis(milliseconds);
            assert_eq!(ceiling(base, max, attempt), longest);
            assert_eq!(full_jitter(base, max, attempt, 0.0), Duration::ZERO);
            assert_eq!(full_jitter(base, max, attempt, 1.0), longest);
            assert_eq!(full_jitter(base, max, attempt, 0.5), longest / 2);
        }
    }
}
