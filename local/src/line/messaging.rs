//! The Messaging API: the order in which LINE checks a request, and what each endpoint answers.

use hyper::StatusCode;
use jiff::Timestamp;

use crate::line::answer::Answer;
use crate::line::endpoint::{Call, LineEndpoint};
use crate::line::memory::{Arrival, Memory};
use crate::line::messaging::body::SendRequest;
use crate::line::messaging::send::RequestOrigin;

mod account;
mod body;
mod message_objects;
mod send;

/// The channel of a request for a token. The channel is known only when the form is read, so all
/// channels share the limit of the endpoint.
const NO_CHANNEL_YET: u32 = u32::MAX;

/// The body of a request, as its endpoint reads it.
#[derive(Debug)]
pub(crate) enum MessagingBody<'a> {
    /// The form of a token endpoint. The other endpoints do not read it.
    Form(&'a [u8]),
    /// Message objects and recipients, or the answer that says what is wrong with them.
    Send(Result<SendRequest<'a>, Answer>),
}

/// Reads the body of a request. `None`: it is too large.
pub(crate) fn read<'a>(
    endpoint: LineEndpoint,
    content_type: &str,
    body: Option<&'a [u8]>,
) -> MessagingBody<'a> {
    use LineEndpoint::{Multicast, Push, Validate};
    match (endpoint, body) {
        (Push | Multicast | Validate, None) => MessagingBody::Send(Err(Answer::too_large())),
        (Push | Multicast | Validate, Some(_)) if !is_json(content_type) => {
            MessagingBody::Send(Err(Answer::unsupported(content_type)))
        }
        (Push | Multicast | Validate, Some(body)) => {
            MessagingBody::Send(body::read(endpoint, body))
        }
        // A form that is too large counts as empty.
        (_, body) => MessagingBody::Form(body.unwrap_or_default()),
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next();
    media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// Answers a request.
pub(crate) fn answer(
    memory: &mut Memory,
    call: &Call<'_>,
    body: &MessagingBody<'_>,
    arrival: Arrival,
) -> Answer {
    let now = arrival.now;
    let Some(channel) = channel(memory, call, now) else {
        return Answer::unauthorized();
    };
    let burst = memory.options.burst_seconds;
    if memory.options.rate_limits && !memory.rates.take(channel, call.endpoint, burst, now) {
        memory.ledger.counts.rate_limited += 1;
        return Answer::rate_limited();
    }
    match (call.endpoint, body) {
        (LineEndpoint::Push | LineEndpoint::Multicast, MessagingBody::Send(request)) => {
            let retry_key = match call.retry_key.map(send::read_retry_key).transpose() {
                Ok(retry_key) => retry_key,
                Err(answer) => return answer,
            };
            let origin = RequestOrigin {
                channel,
                retry_key,
                arrival,
            };
            match request {
                Ok(request) => send::send(memory, call.endpoint, request, origin),
                Err(answer) => answer.clone(),
            }
        }
        (LineEndpoint::RevokeToken, MessagingBody::Form(form)) => memory.tokens.revoke(form, now),
        (
            LineEndpoint::StatelessToken | LineEndpoint::JwtToken | LineEndpoint::ShortLivedToken,
            MessagingBody::Form(form),
        ) => memory.tokens.issue(call.endpoint, form, now),
        // LINE answers 400 to a retry key on an endpoint that sends nothing. The text is this
        // stand-in's choice.
        // https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
        _ if call.retry_key.is_some() => Answer::error(
            StatusCode::BAD_REQUEST,
            "The header 'X-Line-Retry-Key' is not supported by this endpoint",
        ),
        (LineEndpoint::Validate, MessagingBody::Send(Err(answer))) => answer.clone(),
        (LineEndpoint::Validate, _) => Answer::empty(),
        (endpoint, _) => account::answer(memory, endpoint, call.query, channel, now),
    }
}

/// The number of the channel that the request is from. `None`: it has no valid token.
fn channel(memory: &mut Memory, call: &Call<'_>, now: Timestamp) -> Option<u32> {
    match call.endpoint {
        LineEndpoint::StatelessToken
        | LineEndpoint::JwtToken
        | LineEndpoint::ShortLivedToken
        | LineEndpoint::RevokeToken => Some(NO_CHANNEL_YET),
        _ => memory.tokens.channel(&memory.options, call.token?, now),
    }
}
