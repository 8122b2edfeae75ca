//! How long a record that is handed back stays hidden until its next attempt.

use std::time::Duration;

use fanline_core::backoff::full_jitter;
use fanline_core::delivery::{Envelope, KEY_HORIZON};
use fanline_core::limits::sqs::MAX_VISIBILITY;
use jiff::{SignedDuration, Timestamp};

/// No back-off is longer, so that the end of a fault is noticed soon. It is far below the 12 hours
/// that SQS allows.
const MAX_WAIT: Duration = Duration::from_mins(15);
/// SQS counts its maximum from the receive, so the time of the invocation is kept back.
const MAX_HIDDEN: Duration = Duration::from_secs(MAX_VISIBILITY.as_secs().unsigned_abs() - 15 * 60);
/// After a 429 the whole channel needs a rest, and not one delivery.
const TOO_FAST_FACTOR: u32 = 4;
/// A delivery that was refused for its own sake, or that waited on hold, comes again within this
/// time. What is hidden counts against the 120,000 messages that SQS keeps in flight.
const MAX_SHORT_WAIT: Duration = Duration::from_mins(1);
/// What waited on hold is hidden for at least this long.
const MIN_WAIT_ON_HOLD: Duration = Duration::from_secs(5);
/// A random time up to this is added to it: together at most [`MAX_SHORT_WAIT`].
const MAX_JITTER_ON_HOLD: Duration = Duration::from_secs(55);
/// What waits for a token comes again soon at first, while this environment keeps its place at the
/// queue: so another one gets it. If that has no token either, it waits longer each time.
const MAX_NO_TOKEN_WAIT: Duration = Duration::from_mins(2);
/// A delivery needs this long from its receive to its request.
const MIN_ROOM: Duration = Duration::from_secs(1);

/// No wait ends later than after this part of the time that is left.
const PART_OF_ROOM: f64 = 0.75;
/// What is paused waits this long after its first receive, and twice as long after each other one,
/// up to [`MAX_WAIT`]. It used up its time in the invocation before.
const PAUSED_WAIT: Duration = Duration::from_secs(30);

/// Why a record is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RetryCause {
    /// A fault of the channel or of the network.
    Fault,
    /// Too many requests.
    TooFast,
    /// The channel is on hold.
    OnHold,
    /// The channel is on hold for want of a token. Another environment may have one.
    NoToken,
    /// No request was made: there was no turn in time, or nearly none gets an answer.
    NotMade,
    /// The token may not do this.
    Forbidden,
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
        RetryCause::Forbidden => {
            let base = base.saturating_mul(TOO_FAST_FACTOR);
            full_jitter(base, MAX_SHORT_WAIT, receive_count, draw)
        }
        RetryCause::NoToken => {
            let spread = full_jitter(MIN_WAIT_ON_HOLD, MAX_NO_TOKEN_WAIT, receive_count, draw);
            MIN_WAIT_ON_HOLD + spread
        }
        RetryCause::OnHold | RetryCause::NotMade => {
            MIN_WAIT_ON_HOLD + MAX_JITTER_ON_HOLD.mul_f64(draw)
        }
        // All deliveries of a token wait for the same moment, so they are spread after it.
        RetryCause::Until(reset) => {
            let spread = Duration::from_secs(1) + base.mul_f64(draw);
            until(reset, now).saturating_add(spread)
        }
    };
    whole_seconds(wait.min(MAX_HIDDEN))
}

/// The wait of a delivery whose run is paused, in seconds: from half of its longest wait to the
/// whole. `draw` is in 0..1.
pub(crate) fn paused(receive_count: u32, draw: f64) -> u16 {
    let longest = full_jitter(PAUSED_WAIT, MAX_WAIT, receive_count, 1.0);
    whole_seconds(longest.mul_f64(0.5 + draw / 2.0))
}

/// The wait of a delivery that must come again while it may still be sent: before it expires, and
/// before LINE may forget its retry key. `None`: there is no time for another attempt.
///
/// A wait that is too long is drawn again, evenly over three quarters of the time that is left. If
/// all of them ended in the last second, most would come too late. The last quarter is for what
/// stands before it in its batch and in the queue.
pub(crate) fn within(
    wait: u16,
    cause: RetryCause,
    envelope: &Envelope,
    draw: f64,
    now: Timestamp,
) -> Option<u16> {
    let ends = [envelope.expires_at, key_end(envelope)];
    let Some(end) = ends.into_iter().flatten().min() else {
        return Some(wait);
    };
    let room = until(end, now).checked_sub(MIN_ROOM)?;
    if room < MIN_ROOM {
        return None;
    }
    let most = room.mul_f64(PART_OF_ROOM);
    if Duration::from_secs(wait.into()) <= most {
        return Some(wait);
    }
    // Before that moment it would not be sent.
    let least = match cause {
        RetryCause::Until(reset) => until(reset, now),
        _ => Duration::ZERO,
    };
    let spread = most.saturating_sub(least);
    let wait = least + spread.mul_f64(draw);
    (least <= room).then(|| whole_seconds(wait.min(MAX_HIDDEN)))
}

/// For how many seconds a record is hidden that must come again at `again`. A started second counts
/// as a whole one.
pub(crate) fn seconds_until(again: Timestamp, now: Timestamp) -> u16 {
    let wait = until(again, now);
    let started = u64::from(wait.subsec_nanos() > 0);
    whole_seconds(Duration::from_secs(wait.as_secs() + started).min(MAX_HIDDEN))
}

/// When LINE may forget the retry key of a delivery.
pub(crate) fn key_end(envelope: &Envelope) -> Option<Timestamp> {
    envelope.started_at.checked_add(KEY_HORIZON).ok()
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
    use fanline_core::delivery::Delivery;
    use proptest::prelude::*;

    const BASE: Duration = Duration::from_secs(5);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn envelope(expires_at: Option<&str>) -> Envelope {
        let expires = expires_at.map_or_else(String::new, |at| format!(r#","expires_at":"{at}""#));
        let body = format!(
            r#"{{"v":1,"run":"r","channel":"line","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"{expires}}}"#
        );
        Delivery::decode(&body).unwrap().envelope
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
        for cause in [RetryCause::OnHold, RetryCause::NotMade] {
            assert_eq!(wait(BASE, cause, 1, 0.0, now), 5);
            assert_eq!(wait(BASE, cause, 20, 1.0, now), 60);
        }
        for (receives, longest) in [
            (1, 10),
            (2, 15),
            (3, 25),
            (4, 45),
            (5, 85),
            (6, 125),
            (20, 125),
        ] {
            assert_eq!(wait(BASE, RetryCause::NoToken, receives, 0.0, now), 5);
            assert_eq!(wait(BASE, RetryCause::NoToken, receives, 1.0, now), longest);
        }
        assert_eq!(wait(BASE, RetryCause::Forbidden, 1, 1.0, now), 20);
        assert_eq!(wait(BASE, RetryCause::Forbidden, 20, 1.0, now), 60);
    }

    #[test]
    fn what_is_paused_waits_longer_each_time() {
        for (receives, least, most) in [(1, 15, 30), (2, 30, 60), (5, 240, 480), (6, 450, 900)] {
            assert_eq!(paused(receives, 0.0), least);
            assert_eq!(paused(receives, 1.0), most);
        }
        assert_eq!(paused(u32::MAX, 1.0), 900);
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
    fn a_wait_that_is_too_long_is_drawn_evenly_over_what_is_left() {
        let now = at("2026-01-01T08:00:00Z");
        let soon = envelope(Some("2026-01-01T08:01:41Z"));
        let within = |wait, draw, now| within(wait, RetryCause::Fault, &soon, draw, now);
        assert_eq!(within(75, 0.5, now), Some(75), "it fits");
        for (draw, expected) in [(0.0, 0), (0.25, 18), (0.5, 37), (0.75, 56), (0.99, 74)] {
            assert_eq!(within(900, draw, now), Some(expected));
            assert_eq!(within(76, draw, now), Some(expected));
        }
        let ages = envelope(None);
        let late = at("2026-01-01T22:58:19Z");
        let by_key = super::within(900, RetryCause::OnHold, &ages, 0.5, late);
        assert_eq!(by_key, Some(37), "23 hours");
        assert_eq!(
            super::within(900, RetryCause::OnHold, &ages, 0.5, now),
            Some(900)
        );
    }

    #[test]
    fn what_comes_again_at_a_moment_is_hidden_until_then() {
        let again = at("2026-01-01T08:00:30Z");
        for (now, expected) in [
            ("2026-01-01T08:00:00Z", 30),
            ("2026-01-01T08:00:00.004Z", 30),
            ("2026-01-01T08:00:28Z", 2),
            ("2026-01-01T08:00:30Z", 0),
            ("2026-01-01T08:00:40Z", 0),
            ("2025-01-01T08:00:30Z", 42_300),
        ] {
            assert_eq!(seconds_until(again, at(now)), expected, "{now}");
        }
    }

    #[test]
    fn where_no_time_is_left_for_another_attempt_there_is_no_wait() {
        let soon = envelope(Some("2026-01-01T08:00:00Z"));
        for (now, expected) in [
            ("2026-01-01T07:59:58Z", Some(0)),
            ("2026-01-01T07:59:58.001Z", None),
            ("2026-01-01T07:59:59.5Z", None),
            ("2026-01-01T09:00:00Z", None),
        ] {
            let wait = within(900, RetryCause::Fault, &soon, 0.5, at(now));
            assert_eq!(wait, expected, "{now}");
        }
        let now = at("2026-01-01T07:00:00Z");
        let reset = RetryCause::Until(at("2026-01-01T08:00:30Z"));
        assert_eq!(
            within(3_640, reset, &soon, 0.5, now),
            None,
            "spent until later"
        );
        let reset = RetryCause::Until(at("2026-01-01T07:50:00Z"));
        let wait = within(3_610, reset, &soon, 0.5, now);
        assert_eq!(wait, Some(3_000), "not before it is reset");
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
                RetryCause::NoToken,
                RetryCause::Until(at("2026-01-01T01:00:00Z")),
                RetryCause::Until(at("2036-01-01T01:00:00Z")),
            ]),
        ) {
            let now = at("2026-01-01T00:00:00Z");
            let wait = wait(Duration::from_secs(base), cause, receives, draw, now);
            prop_assert!(wait <= 43_200 - 900);
            let soon = envelope(Some("2026-01-01T00:00:30Z"));
            prop_assert!(within(wait, cause, &soon, draw, now).is_none_or(|wait| wait <= 29));
        }
    }
}
