//! The request that a delivery becomes, and its retry key: derived and never drawn.
//!
//! LINE remembers a request's `X-Line-Retry-Key` for 24 hours after the first request that carried it, and answers 409 to
//! every later one. So a key that is a function of what is sent makes every accident harmless: a re-run fan-out, a slice
//! that ran twice, a queue message delivered twice, a consumer killed between LINE's answer and its own.
//! <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>

use uuid::Uuid;

/// The namespace of every fanline key. Changing it, or anything in [`Request::new`], would double every message in flight.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_6b0c_3f0e_5c1d_9a53_7a0f_9e1c_4b27);

/// LINE forgets a key after 24 hours; an hour is kept back for clocks that differ and requests under way.
pub const KEY_HORIZON: jiff::SignedDuration = jiff::SignedDuration::from_hours(23);

/// The Messaging API's endpoint for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// One user, group or room: 2,000 requests a second.
    Push,
    /// Up to 500 users: 200 requests a second.
    Multicast,
}

/// One request to the Messaging API: what is sent, and the key that LINE knows it by. Made once for each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The JSON that crosses the wire.
    pub body: String,
    /// `X-Line-Retry-Key`: a `UUIDv5` of the run's name, a zero byte and the body. No clock, no machine and no attempt is
    /// in it.
    pub retry_key: Uuid,
}

impl Request {
    /// The request of the run `run` that carries `messages` (a JSON array) to recipients, each of which writes itself into
    /// the body as the inside of a JSON string. One recipient is a push, several are a multicast.
    pub(crate) fn new<W: FnOnce(&mut String)>(
        run: &str,
        recipients: impl ExactSizeIterator<Item = W>,
        messages: &str,
        notification_disabled: bool,
    ) -> Self {
        let is_push = recipients.len() == 1;
        let mut body = String::with_capacity(64 + messages.len() + recipients.len() * 36);
        body.push_str(if is_push { "{\"to\":" } else { "{\"to\":[" });
        for (i, recipient) in recipients.enumerate() {
            body.push_str(if i == 0 { "\"" } else { ",\"" });
            recipient(&mut body);
            body.push('"');
        }
        body.push_str(if is_push {
            ",\"messages\":"
        } else {
            "],\"messages\":"
        });
        body.push_str(messages);
        if notification_disabled {
            body.push_str(",\"notificationDisabled\":true");
        }
        body.push('}');
        Self {
            retry_key: retry_key(run, &body),
            body,
        }
    }
}

fn retry_key(run: &str, body: &str) -> Uuid {
    let mut name = Vec::with_capacity(run.len() + 1 + body.len());
    name.extend_from_slice(run.as_bytes());
    name.push(0);
    name.extend_from_slice(body.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}
