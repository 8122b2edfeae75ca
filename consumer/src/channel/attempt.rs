//! What one attempt to send a delivery came to.

use fanline_core::envelope::Envelope;
use fanline_core::outcome::{DeadLetterReason, Outcome};
use fanline_core::request::KEY_HORIZON;
use jiff::Timestamp;

use crate::channel::backoff::RetryCause;
use crate::channel::hold::HoldReason;
use crate::channel::response::Reply;
use crate::line::error_body::Blame;

/// What one attempt to send a delivery came to.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    /// Taken, now or on an earlier attempt.
    Taken(Outcome),
    /// Never to be taken.
    Refused(Reply),
    /// Never to be sent, for a reason of our own.
    Unfit(String),
    /// A multicast that nobody got, because of some of its recipients.
    Split(Blame, Reply),
    /// Another time.
    Later(RetryCause),
    /// The channel is stopped; with LINE's answer where this delivery found that out.
    Stopped(HoldReason, Option<Reply>),
    /// Past its `expires_at`, or past the 23 hours for which LINE surely remembers its key.
    TooLate(DeadLetterReason),
    /// Perhaps taken, and it can't be asked again.
    Unknown,
}

/// Whether a delivery's time is over.
pub(crate) fn too_late(envelope: &Envelope, now: Timestamp) -> Option<DeadLetterReason> {
    let remembered_until = envelope
        .started_at
        .checked_add(KEY_HORIZON)
        .unwrap_or(Timestamp::MAX);
    if envelope.expires_at.is_some_and(|expires| expires <= now) {
        Some(DeadLetterReason::Expired)
    } else if remembered_until < now {
        Some(DeadLetterReason::Unknown)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::delivery::Delivery;

    #[test]
    fn a_deliverys_time_is_over_at_its_end_or_after_23_hours() {
        let delivery = |expires: &str| {
            Delivery::decode(&format!(
                r#"{{"v":1,"run":"r","channel":"line","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"{expires}}}"#
            ))
            .unwrap()
            .envelope
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let forever = delivery("");
        assert_eq!(too_late(&forever, at("2026-01-01T23:00:00Z")), None);
        assert_eq!(
            too_late(&forever, at("2026-01-01T23:00:00.001Z")),
            Some(DeadLetterReason::Unknown)
        );
        let morning = delivery(r#","expires_at":"2026-01-01T12:00:00Z""#);
        assert_eq!(too_late(&morning, at("2026-01-01T11:59:59Z")), None);
        assert_eq!(
            too_late(&morning, at("2026-01-01T12:00:00Z")),
            Some(DeadLetterReason::Expired)
        );
        assert_eq!(
            too_late(&morning, at("2026-01-03T12:00:00Z")),
            Some(DeadLetterReason::Expired)
        );
    }
}
