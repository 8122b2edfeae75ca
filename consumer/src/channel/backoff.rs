//! How long a record that is handed back stays hidden until its next attempt.

use std::time::Duration;

use fanline_core::backoff::full_jitter;
use fanline_core::delivery::Delivery;
use fanline_core::delivery::KEY_HORIZON;
use fanline_core::limits::sqs::MAX_VISIBILITY;
use jiff::{SignedDuration, Timestamp};

/// No back-off is longer, so that the end of a fault is noticed soon. It is far below the 12 hours
/// that SQS allows.
const MAX_WAIT: Duration = Duration::from_mins(15);
/// SQS counts its maximum from the receive, so the time of the invocation is kept back.
const MAX_HIDDEN: Duration = Duration::from_secs(MAX_VISIBILITY.as_secs().unsigned_abs() - 15 * 60);
/// After a 429 the whole channel needs a rest, and not one delivery.
const TOO_FAST_FACTOR: u32 = 4;
/// A person has to repair a hold, so the wait is at least this long.
const MIN_WAIT_ON_HOLD: Duration = Duration::from_mins(5);
/// A random time up to this is added to it: together at most [`MAX_WAIT`].
const MAX_JITTER_ON_HOLD: Duration = Duration::from_mins(10);

/// Why a record is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RetryCause {
    /// A fault of the channel or of the network, or there was no time to send.
    Fault,
    /// Too many requests.
    TooFast,
    /// The channel is on hold.
    OnHold,
    /// The channel said until when to wait.
    Until(Timestamp),
}

/// The wait until the next attempt, in seconds. `draw` is in 0..1.
///
/// Full jitter: records that failed together must not come back together.
pub(crate) fn wait(
    base: Duration,
    cause: RetryCause,
    receive_count: u32,
    draw: f64,
    now: Timestamp,
) -> u16 {
    let wait = match cause {
        RetryCause::Fault => full_jitter(base, MAX_WAIT, receive_count, draw),
        RetryCause::TooFast => {
            let base = base.saturating_mul(TOO_FAST_FACTOR);
            full_jitter(base, MAX_WAIT, receive_count, draw)
        }
        RetryCause::OnHold => MIN_WAIT_ON_HOLD + MAX_JITTER_ON_HOLD.mul_f64(draw),
        // All deliveries of a token wait for the same moment, so they are spread after it.
        RetryCause::Until(reset) => {
            let spread = Duration::from_secs(1) + base.mul_f64(draw);
            until(reset, now).saturating_add(spread)
        }
    };
    whole_seconds(wait.min(MAX_HIDDEN))
}

/// Shortens a wait so that the delivery comes again while it may still be sent: a second before it
/// expires, and a second before LINE may forget its retry key.
pub(crate) fn shorten(wait: u16, delivery: &Delivery, now: Timestamp) -> u16 {
    let envelope = &delivery.envelope;
    let ends = [
        envelope.expires_at,
        envelope.started_at.checked_add(KEY_HORIZON).ok(),
    ];
    ends.into_iter().flatten().fold(wait, |wait, end| {
        let room = until(end, now).saturating_sub(Duration::from_secs(1));
        wait.min(whole_seconds(room.min(MAX_HIDDEN)))
    })
}

/// The time from `now` to `end`; none if `end` has passed.
fn until(end: Timestamp, now: Timestamp) -> Duration {
    end.duration_since(now)
        .max(SignedDuration::ZERO)
        .unsigned_abs()
}

#[expect(
    clippy::expect_used,
    reason = "MAX_HIDDEN has 42,300 seconds, which fit in a u16"
)]
fn whole_seconds(wait: Duration) -> u16 {
    u16::try_from(wait.as_secs()).expect("at most MAX_HIDDEN")
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
            assert_eq!(wait(BASE, RetryCause::Fault, receives, 1.0, now), fault);
            assert_eq!(
                wait(BASE, RetryCause::TooFast, receives, 1.0, now),
                too_fast
            );
            assert_eq!(wait(BASE, RetryCause::Fault, receives, 0.0, now), 0);
        }
        assert_eq!(wait(BASE, RetryCause::OnHold, 1, 0.0, now), 300);
        assert_eq!(wait(BASE, RetryCause::OnHold, 4, 1.0, now), 900);
    }

    #[test]
    fn a_promised_moment_is_waited_for_and_never_past_what_sqs_hides() {
        let now = at("2026-01-01T00:00:00Z");
        let until = |text| wait(BASE, RetryCause::Until(at(text)), 1, 0.0, now);
        assert_eq!(until("2026-01-01T00:59:00Z"), 3541);
        assert_eq!(until("2025-01-01T00:00:00Z"), 1);
        assert_eq!(until("2027-01-01T00:00:00Z"), 42_300);
    }

    #[test]
    fn the_last_attempt_comes_before_the_delivery_expires() {
        let now = at("2026-01-01T08:00:00Z");
        let soon = delivery(Some("2026-01-01T08:01:00Z"));
        let past = delivery(Some("2026-01-01T07:00:00Z"));
        let forever = delivery(None);
        assert_eq!(shorten(900, &soon, now), 59);
        assert_eq!(shorten(7, &soon, now), 7);
        assert_eq!(shorten(900, &past, now), 0);
        assert_eq!(shorten(900, &forever, now), 900);
        let late = at("2026-01-01T22:59:00Z");
        assert_eq!(shorten(900, &forever, late), 59, "23 hours");
    }

    proptest! {
        #[test]
        fn no_wait_leaves_its_bounds(
            receives in any::<u32>(),
            draw in 0.0..1.0f64,
            base in 0u64..900,
            cause in prop::sample::select(vec![
                RetryCause::Fault,
                RetryCause::TooFast,
                RetryCause::OnHold,
                RetryCause::Until(at("2026-01-01T01:00:00Z")),
                RetryCause::Until(at("2036-01-01T01:00:00Z")),
            ]),
        ) {
            let now = at("2026-01-01T00:00:00Z");
            let wait = wait(Duration::from_secs(base), cause, receives, draw, now);
            prop_assert!(wait <= 43_200 - 900);
            let soon = delivery(Some("2026-01-01T00:00:30Z"));
            prop_assert!(shorten(wait, &soon, now) <= 29);
        }
    }
}
