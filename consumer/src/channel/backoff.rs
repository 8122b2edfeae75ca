//! How long a record stays hidden before it comes again: full jitter over the receive count.

use std::time::Duration;

use fanline_core::delivery::Delivery;
use fanline_core::request::KEY_HORIZON;
use jiff::{SignedDuration, Timestamp};

/// No wait is longer, so that a channel that is back is noticed. Far below the 12 hours that SQS allows.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const LONGEST: Duration = Duration::from_mins(15);
/// SQS hides a message for 12 hours at most, counted from its receive; what the invocation has used is kept back.
const LONGEST_HIDDEN: Duration = Duration::from_mins(12 * 60 - 15);
/// After a 429 the whole channel needs a rest, not one delivery.
const TOO_FAST_FACTOR: u32 = 4;
/// A person has to mend what is held: no shorter than this, and up to [`LONGEST`].
const SHORTEST_HELD: Duration = Duration::from_mins(5);

/// Why a record comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// A fault of the channel or of the way there, or no time to start.
    Fault,
    /// Too fast.
    TooFast,
    /// Held: the token is not valid.
    Held,
    /// The channel said until when.
    Until(Timestamp),
}

/// The wait before the next attempt, in whole seconds. `draw` is in 0..1.
///
/// Full jitter (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>): anything from nothing to the
/// doubled ceiling, so that records which failed together do not come back together.
pub(crate) fn wait(
    base: Duration,
    cause: Cause,
    receive_count: u32,
    draw: f64,
    now: Timestamp,
) -> u32 {
    let doublings = receive_count.saturating_sub(1).min(16);
    let ceiling = base.saturating_mul(1 << doublings);
    let wait = match cause {
        Cause::Fault => ceiling.min(LONGEST).mul_f64(draw),
        Cause::TooFast => ceiling
            .saturating_mul(TOO_FAST_FACTOR)
            .min(LONGEST)
            .mul_f64(draw),
        Cause::Held => SHORTEST_HELD + LONGEST.saturating_sub(SHORTEST_HELD).mul_f64(draw),
        // A second more, and then a spread: all of a token's deliveries wait for the same moment.
        Cause::Until(reset) => Duration::try_from(reset.duration_since(now))
            .unwrap_or_default()
            .saturating_add(Duration::from_secs(1) + base.mul_f64(draw)),
    };
    whole_seconds(wait.min(LONGEST_HIDDEN))
}

/// The same wait, cut so that the delivery comes again while it may still be sent: a second before it expires, and before
/// its retry key is forgotten.
pub(crate) fn cut(wait: u32, delivery: &Delivery, now: Timestamp) -> u32 {
    let envelope = &delivery.envelope;
    let ends = [
        envelope.expires_at,
        envelope.started_at.checked_add(KEY_HORIZON).ok(),
    ];
    ends.into_iter().flatten().fold(wait, |wait, end| {
        let room = end.duration_since(now) - SignedDuration::from_secs(1);
        wait.min(u32::try_from(room.as_secs().max(0)).unwrap_or(u32::MAX))
    })
}

fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: Duration = Duration::from_secs(5);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn delivery(expires_at: Option<&str>) -> Delivery {
        let expires = expires_at.map_or_else(String::new, |at| format!(r#","expires_at":"{at}""#));
        Delivery::decode(&format!(
            r#"{{"v":1,"run":"r","channel":"line","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"{expires}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn the_ceiling_doubles_with_every_receive_up_to_a_quarter_of_an_hour() {
        let now = at("2026-01-01T00:00:00Z");
        for (receives, fault, too_fast) in [
            (0, 5, 20),
            (1, 5, 20),
            (2, 10, 40),
            (3, 20, 80),
            (4, 40, 160),
            (5, 80, 320),
            (8, 640, 900),
            (9, 900, 900),
            (u32::MAX, 900, 900),
        ] {
            assert_eq!(wait(BASE, Cause::Fault, receives, 1.0, now), fault);
            assert_eq!(wait(BASE, Cause::TooFast, receives, 1.0, now), too_fast);
            assert_eq!(wait(BASE, Cause::Fault, receives, 0.0, now), 0);
        }
        assert_eq!(wait(BASE, Cause::Held, 1, 0.0, now), 300);
        assert_eq!(wait(BASE, Cause::Held, 4, 1.0, now), 900);
    }

    #[test]
    fn a_promised_moment_is_waited_for_and_never_past_what_sqs_hides() {
        let now = at("2026-01-01T00:00:00Z");
        let until = |text| wait(BASE, Cause::Until(at(text)), 1, 0.0, now);
        assert_eq!(until("2026-01-01T00:59:00Z"), 3541);
        assert_eq!(until("2025-01-01T00:00:00Z"), 1);
        assert_eq!(until("2027-01-01T00:00:00Z"), 42_300);
    }

    #[test]
    fn the_last_attempt_comes_before_the_delivery_expires() {
        let now = at("2026-01-01T08:00:00Z");
        let soon = delivery(Some("2026-01-01T08:01:00Z"));
        assert_eq!(cut(900, &soon, now), 59);
        assert_eq!(cut(7, &soon, now), 7);
        assert_eq!(cut(900, &delivery(Some("2026-01-01T07:00:00Z")), now), 0);
        assert_eq!(cut(900, &delivery(None), now), 900);
        assert_eq!(
            cut(900, &delivery(None), at("2026-01-01T22:59:00Z")),
            59,
            "23 hours"
        );
    }

    proptest! {
        #[test]
        fn no_wait_leaves_its_bounds(receives in any::<u32>(), draw in 0.0..1.0f64, base in 0u64..900, which in 0usize..4) {
            let now = at("2026-01-01T00:00:00Z");
            let cause = [Cause::Fault, Cause::TooFast, Cause::Held, Cause::Until(at("2026-01-01T01:00:00Z"))][which];
            let wait = wait(Duration::from_secs(base), cause, receives, draw, now);
            prop_assert!(wait <= 43_200 - 900);
            let soon = delivery(Some("2026-01-01T00:00:30Z"));
            prop_assert!(cut(wait, &soon, now) <= 29);
        }
    }
}
