//! The request that a delivery becomes, and its retry key: derived from the request, never drawn.
//!
//! LINE remembers a request's `X-Line-Retry-Key` for 24 hours after the first request that carried
//! it, and answers 409 to every later one. A key that is a function of what is sent makes every
//! accident harmless: a fan-out that runs again, a slice that ran twice, a queue message that is
//! delivered twice, a consumer that is killed before it can settle what LINE accepted.
//! <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>

use jiff::SignedDuration;
use uuid::Uuid;

use crate::delivery::unit::AggregationUnit;

/// The namespace of every retry key. A change of it, or of anything in [`Request::new`], would send
/// every message that is under way twice.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_6b0c_3f0e_5c1d_9a53_7a0f_9e1c_4b27);

/// A delivery is not sent later than this after its run began, because LINE forgets a key after 24
/// hours. The hour between is for clocks that differ and for requests that are under way.
pub const KEY_HORIZON: SignedDuration = SignedDuration::from_hours(23);

/// The Messaging API's endpoint for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// To one user, group or room. See [`crate::limits::line::PUSH_PER_SECOND`].
    Push,
    /// To up to 500 users. See [`crate::limits::line::MULTICAST_PER_SECOND`].
    Multicast,
}

/// One request to the Messaging API. It is made once for each delivery and then carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The JSON that is sent.
    pub body: String,
    /// The header `X-Line-Retry-Key`: a `UUIDv5` of the run's name, a zero byte and the body.
    ///
    /// It does not depend on a clock, a machine or the number of the attempt.
    pub retry_key: Uuid,
}

/// What a request says beside its recipients and its messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestOptions<'a> {
    pub(crate) notification_disabled: bool,
    pub(crate) unit: Option<&'a AggregationUnit>,
}

impl Request {
    /// The request of the run `run` that carries `messages` (a JSON array) to the recipients.
    ///
    /// Each recipient writes itself into the body as the inside of a JSON string. One recipient is
    /// a push, several are a multicast.
    ///
    /// # Panics
    /// If there is no recipient: such a request must not be sent.
    pub(crate) fn new<W: FnOnce(&mut String)>(
        run: &str,
        recipients: impl ExactSizeIterator<Item = W>,
        messages: &str,
        options: RequestOptions<'_>,
    ) -> Self {
        assert!(recipients.len() > 0, "a request without a recipient");
        let is_push = recipients.len() == 1;
        let mut body = String::with_capacity(64 + messages.len() + recipients.len() * 36);
        body.push_str(if is_push { "{\"to\":" } else { "{\"to\":[" });
        for (i, recipient) in recipients.enumerate() {
            body.push_str(if i == 0 { "\"" } else { ",\"" });
            recipient(&mut body);
            body.push('"');
        }
        body.push_str(if is_push { "" } else { "]" });
        body.push_str(",\"messages\":");
        body.push_str(messages);
        if options.notification_disabled {
            body.push_str(",\"notificationDisabled\":true");
        }
        if let Some(unit) = options.unit {
            body.push_str(",\"customAggregationUnits\":[\"");
            body.push_str(unit.as_str());
            body.push_str("\"]");
        }
        body.push('}');
        Self {
            retry_key: retry_key(run, &body),
            body,
        }
    }
}

fn retry_key(run: &str, body: &str) -> Uuid {
    let name = [run.as_bytes(), &[0], body.as_bytes()].concat();
    Uuid::new_v5(&NAMESPACE, &name)
}
