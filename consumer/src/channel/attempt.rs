//! What one attempt to send a delivery came to.

use fanline_core::delivery::Envelope;
use fanline_core::delivery::KEY_HORIZON;
use jiff::Timestamp;

use crate::channel::backoff::RetryCause;
use crate::channel::hold::HoldReason;
use crate::channel::response::{Failure, Response};
use crate::channel::route::Route;

/// One attempt to send a delivery.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The requests that were made, in order. None, if there was a reason not to make one.
    pub exchanges: Vec<Exchange>,
    /// What the channel says about the delivery.
    pub conclusion: Conclusion,
    /// Why this attempt put the channel on hold, if it did.
    pub hold_began: Option<HoldReason>,
}

/// One request and what came back for it.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The kind of the request.
    pub route: Route,
    /// When the request was sent.
    pub departed: Timestamp,
    /// How long it took until the whole response was there, or until it was clear that none comes.
    pub latency_ms: u64,
    /// What came back.
    pub response: Result<Response, Failure>,
}

impl Exchange {
    /// The status, if a response came.
    pub(crate) fn status(&self) -> Option<u16> {
        let response = self.response.as_ref().ok();
        response.map(|response| response.status)
    }
}

/// What the channel says about a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// Accepted.
    Accepted,
    /// Accepted on an earlier attempt.
    AlreadyAccepted,
    /// The channel will never take it. The last response says why.
    Refused,
    /// It can't be sent at all, for this reason of ours.
    Unsendable(String),
    /// A multicast that nobody got, because of some of its recipients: the positions that LINE
    /// named, or none.
    Split(Vec<usize>),
    /// No outcome yet: try again later.
    Retry(RetryCause),
    /// The channel is on hold, and the time of the invocation is used up.
    OnHold(HoldReason),
    /// The month has messages left, but too few for this delivery.
    OverQuota,
    /// Its `expires_at` has passed.
    Expired,
    /// Its run began so long ago that LINE may have forgotten its retry key.
    TooOld,
    /// Its run is cancelled: it is never sent.
    Cancelled,
    /// Its run is paused, or nobody knows, and the time of the invocation is used up.
    Paused,
    /// Its run is paused while others go on.
    Parked,
    /// The channel may have taken it, and the campaign says not to send it again.
    Unknown,
}

impl Attempt {
    /// An attempt that made no request.
    pub(crate) fn without_request(conclusion: Conclusion) -> Self {
        Self {
            exchanges: Vec::new(),
            conclusion,
            hold_began: None,
        }
    }

    /// The last response, if one came.
    pub(crate) fn response(&self) -> Option<&Response> {
        self.exchanges.last()?.response.as_ref().ok()
    }

    /// The positions that LINE named and its refusal, if the delivery must be split. If not, the
    /// attempt as it is.
    pub(crate) fn into_split(mut self) -> Result<(Vec<usize>, Option<Response>), Self> {
        match self.conclusion {
            Conclusion::Split(named) => {
                let last = self.exchanges.pop();
                Ok((named, last.and_then(|exchange| exchange.response.ok())))
            }
            conclusion => Err(Self { conclusion, ..self }),
        }
    }

    /// The last status, if a response came.
    pub(crate) fn status(&self) -> Option<u16> {
        self.exchanges.last()?.status()
    }
}

/// Whether it is too late to send a delivery of this envelope, which expires at `expires_at`: an
/// operator may have put that off.
pub(crate) fn too_late(
    envelope: &Envelope,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Conclusion> {
    let age = now.duration_since(envelope.started_at);
    if expires_at.is_some_and(|expires| expires <= now) {
        Some(Conclusion::Expired)
    } else if age > KEY_HORIZON {
        Some(Conclusion::TooOld)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::delivery::Delivery;

    #[test]
    fn a_delivery_is_too_late_at_its_end_or_after_23_hours() {
        let delivery = |expires: &str| {
            Delivery::decode(&format!(
                r#"{{"v":1,"run":"r","channel":"line","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"{expires}}}"#
            ))
            .unwrap()
            .envelope
        };
        let forever = delivery("");
        let morning = delivery(r#","expires_at":"2026-01-01T12:00:00Z""#);
        for (envelope, now, expected) in [
            (&forever, "2026-01-01T23:00:00Z", None),
            (
                &forever,
                "2026-01-01T23:00:00.001Z",
                Some(Conclusion::TooOld),
            ),
            (&morning, "2026-01-01T11:59:59Z", None),
            (&morning, "2026-01-01T12:00:00Z", Some(Conclusion::Expired)),
            (&morning, "2026-01-03T12:00:00Z", Some(Conclusion::Expired)),
        ] {
            let late = too_late(envelope, envelope.expires_at, now.parse().unwrap());
            assert_eq!(late, expected, "{now}");
        }
        let (later, now) = ("2026-01-01T18:00:00Z", "2026-01-01T17:00:00Z");
        let put_off = Some(later.parse().unwrap());
        assert_eq!(too_late(&morning, put_off, now.parse().unwrap()), None);
    }
}
