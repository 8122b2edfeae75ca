//! What becomes of a push or multicast whose body is good: 200, 409, 400 for an unknown recipient
//! or 429 for the quota.

use hyper::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::id_header::id_header;
use crate::line::answer::Answer;
use crate::line::endpoint::LineEndpoint;
use crate::line::memory::keys::AcceptedSend;
use crate::line::memory::ledger::Accepted;
use crate::line::memory::{Arrival, Memory};
use crate::line::messaging::body::SendRequest;
use crate::line::options::UnknownInMulticast;
use crate::line::recipient::{RecipientKey, is_user};

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestOrigin {
    /// The number of the channel.
    pub(crate) channel: u32,
    pub(crate) retry_key: Option<Uuid>,
    pub(crate) arrival: Arrival,
}

/// Answers a push or multicast, with the faults that the options ask for.
pub(crate) fn send(
    memory: &mut Memory,
    endpoint: LineEndpoint,
    request: &SendRequest<'_>,
    origin: RequestOrigin,
) -> Answer {
    let Some(key) = origin.retry_key else {
        memory.ledger.counts.without_retry_key += 1;
        let attempt = memory.attempt(request.body);
        return memory.with_faults(&request.body, attempt, Answer::error, |memory| {
            accept(memory, endpoint, request, origin)
        });
    };
    let now = origin.arrival.now;
    let known = memory.keys.see(origin.channel, key, request.body, now);
    memory.ledger.counts.changed_under_key += u64::from(known.changed);
    memory.with_faults(
        key.as_bytes(),
        known.attempt,
        Answer::error,
        |memory| match known.accepted {
            Some(accepted) => already_accepted(memory, endpoint, accepted),
            None => accept(memory, endpoint, request, origin),
        },
    )
}

fn accept(
    memory: &mut Memory,
    endpoint: LineEndpoint,
    request: &SendRequest<'_>,
    origin: RequestOrigin,
) -> Answer {
    let is_unknown = |to: &RecipientKey| memory.unknown.contains(to);
    let refuses_unknown = endpoint == LineEndpoint::Push
        || memory.options.unknown_in_multicast == UnknownInMulticast::Refuse;
    if refuses_unknown && request.to.iter().any(is_unknown) {
        return Answer::error(StatusCode::BAD_REQUEST, "Failed to send messages");
    }
    let reached: Vec<RecipientKey> = request
        .to
        .iter()
        .filter(|to| !is_unknown(to) && !memory.blocked.contains(*to))
        .copied()
        .collect();
    let people = reached.iter().map(|to| people(memory, to)).sum();
    let now = origin.arrival.now;
    let used = memory.month.used(origin.channel, now);
    let held = used.saturating_add(memory.options.reserved_quota);
    if let Some(quota) = memory.options.monthly_quota
        && held.saturating_add(people) > quota
    {
        memory.ledger.counts.over_quota += 1;
        return Answer::monthly_limit();
    }
    memory.month.add(origin.channel, people, now);
    let unit = request.unit.as_deref();
    let reached_people = reached.len() as u64;
    memory
        .insight
        .add(origin.channel, endpoint, unit, reached_people, now);
    memory.ledger.counts.not_delivered += (request.to.len() - reached.len()) as u64;
    let accepted = Accepted {
        at: now,
        endpoint,
        request_id: memory.request_id(origin.arrival.number),
        retry_key: origin.retry_key,
        messages: request.messages,
        digest: request.digest,
    };
    memory.ledger.accept(&accepted, &reached);
    let sent = AcceptedSend {
        request: origin.arrival.number,
        messages: request.count,
    };
    if let Some(key) = origin.retry_key {
        memory.keys.accept(origin.channel, key, sent);
    }
    if endpoint == LineEndpoint::Push {
        Answer::json(&json!({ "sentMessages": sent_messages(sent) }))
    } else {
        Answer::empty()
    }
}

/// `409`: the request was accepted before.
/// <https://developers.line.biz/en/reference/messaging-api/#retry-api-request-response>
fn already_accepted(memory: &mut Memory, endpoint: LineEndpoint, accepted: AcceptedSend) -> Answer {
    const MESSAGE: &str = "The retry key is already accepted";
    memory.ledger.counts.already_accepted += 1;
    let body = if endpoint == LineEndpoint::Push {
        json!({"message": MESSAGE, "sentMessages": sent_messages(accepted)})
    } else {
        json!({ "message": MESSAGE })
    };
    let mut answer = Answer::new(StatusCode::CONFLICT, body.to_string());
    let id = id_header(memory.request_id(accepted.request));
    answer.headers.push(("x-line-accepted-request-id", id));
    answer
}

/// How many people of the month's quota a message to this recipient costs.
fn people(memory: &Memory, recipient: &RecipientKey) -> u64 {
    if is_user(recipient) {
        1
    } else {
        memory.options.group_members
    }
}

/// Reads a retry key: a UUID with its hyphens. LINE does not document the answer to anything else;
/// 400 and this text are chosen.
pub(crate) fn read_retry_key(text: &str) -> Result<Uuid, Answer> {
    let is_hyphenated = text.len() == 36;
    Uuid::try_parse(text)
        .ok()
        .filter(|_| is_hyphenated)
        .ok_or_else(|| {
            Answer::error(
                StatusCode::BAD_REQUEST,
                "The value for the 'X-Line-Retry-Key' header is invalid",
            )
        })
}

fn sent_messages(sent: AcceptedSend) -> serde_json::Value {
    const FIRST_ID: u64 = 460_000_000_000_000_000;
    (0..sent.messages as u64)
        .map(|i| json!({"id": (FIRST_ID + sent.request * 8 + i).to_string()}))
        .collect()
}
