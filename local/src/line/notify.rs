//! LINE Notify as it was until 31 March 2025: one form post, counted by the hour.

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;

use crate::line::answer::Answer;
use crate::line::endpoint::{Call, LineEndpoint};
use crate::line::memory::hours::HourLimit;
use crate::line::memory::ledger::Accepted;
use crate::line::memory::{Arrival, Memory};
use crate::line::notify::error::error;
use crate::line::notify::form::NotifyForm;
use crate::line::recipient::{self, RecipientKey};
use crate::line::text::digest;

mod error;
mod form;

/// The form of a message, or the answer that says what is wrong with it. `None` for the endpoints
/// that read no body.
pub(crate) type NotifyBody = Option<Result<NotifyForm, Answer>>;

/// Reads the body of a request. `None`: it is too large.
pub(crate) async fn read(
    endpoint: LineEndpoint,
    content_type: &str,
    body: Option<Bytes>,
) -> NotifyBody {
    if endpoint != LineEndpoint::Notify {
        return None;
    }
    Some(match body {
        Some(body) => form::read(content_type, body).await,
        None => Err(Answer::too_large()),
    })
}

/// Answers a request. Each call with a valid token counts in its hour, and each answer to one says
/// what is left.
pub(crate) fn answer(
    memory: &mut Memory,
    call: &Call<'_>,
    body: &NotifyBody,
    arrival: Arrival,
) -> Answer {
    let valid = call
        .token
        .filter(|token| !memory.options.revoked.contains(*token));
    let holder = valid.and_then(recipient::of_notify_token);
    let (Some(token), Some(holder)) = (valid, holder) else {
        return error(StatusCode::UNAUTHORIZED, "Invalid access token");
    };
    let has_image = matches!(body, Some(Ok(form)) if form.has_image);
    let (left, result) = memory.hours.call(holder, has_image, arrival.now);
    let mut answer = match (result, body) {
        (Err(limit), _) if memory.options.rate_limits => {
            memory.ledger.counts.rate_limited += 1;
            over_limit(limit)
        }
        (_, Some(Ok(form))) => send(memory, holder, form, arrival),
        (_, Some(Err(answer))) => answer.clone(),
        (_, None) if call.endpoint == LineEndpoint::NotifyRevoke => {
            memory.options.revoked.insert(token.to_owned());
            ok()
        }
        (_, None) => status(),
    };
    answer.headers.extend(left.headers());
    answer
}

fn send(memory: &mut Memory, holder: RecipientKey, form: &NotifyForm, arrival: Arrival) -> Answer {
    let identity = digest(&[&holder, form.fields.as_bytes()].concat());
    let attempt = memory.attempt(identity);
    memory.with_faults(&identity, attempt, error, |memory| {
        let accepted = Accepted {
            at: arrival.now,
            endpoint: LineEndpoint::Notify,
            request_id: memory.request_id(arrival.number),
            retry_key: None,
            messages: &form.fields,
            digest: form.digest,
        };
        memory.ledger.accept(&accepted, &[holder]);
        ok()
    })
}

/// Users recorded the text for images. The other text and both statuses are this stand-in's choice.
fn over_limit(limit: HourLimit) -> Answer {
    let message = match limit {
        HourLimit::Calls => "API rate limit exceeded.",
        HourLimit::Images => "Image rate limit exceeded.",
    };
    error(StatusCode::TOO_MANY_REQUESTS, message)
}

fn ok() -> Answer {
    Answer::json(&json!({"status": 200, "message": "ok"}))
}

/// `200` for a valid token. The name of its holder is invented.
fn status() -> Answer {
    Answer::json(&json!({
        "status": 200, "message": "ok", "targetType": "USER", "target": "simulated",
    }))
}
