//! The identity of a delivery, derived and never drawn.
//!
//! LINE remembers a request's `X-Line-Retry-Key` for 24 hours after the first request that carried it, and answers 409 to
//! every later one. So a key that is a function of what is sent makes every accident harmless: a re-run fan-out, a slice
//! that ran twice, a queue message delivered twice, a consumer killed between LINE's answer and its own.
//! <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>

use uuid::Uuid;

/// The namespace of every fanline key. Changing it, or anything in [`derive`], would double every message in flight.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_6b0c_3f0e_5c1d_9a53_7a0f_9e1c_4b27);

/// LINE forgets a key after 24 hours; an hour is kept back for clocks that differ and requests under way.
pub const HORIZON: jiff::SignedDuration = jiff::SignedDuration::from_hours(23);

/// The key of the request with this body, sent for this run.
///
/// A `UUIDv5` of the run's name, a zero byte and the body as it crosses the wire: recipients, messages and notification flag.
/// No clock, no machine and no attempt is in it.
pub fn derive(run: &str, request_body: &str) -> Uuid {
    let mut name = Vec::with_capacity(run.len() + 1 + request_body.len());
    name.extend_from_slice(run.as_bytes());
    name.push(0);
    name.extend_from_slice(request_body.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}
