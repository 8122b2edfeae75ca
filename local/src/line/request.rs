//! The body of a push, multicast or validate request, read as LINE reads it.

use fanline_core::channel::Channel;
use fanline_core::line_limits::MAX_RECIPIENTS;
use fanline_core::recipient::Recipient;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::line::answer::Answer;
use crate::line::endpoint::Endpoint;
use crate::line::memory::ledger::{Digest, RecipientKey, digest};
use crate::line::request::message::Detail;

pub(crate) mod message;

/// A request that LINE would take, as far as the request alone tells.
#[derive(Debug)]
pub(crate) struct SendRequest<'a> {
    /// Who is to get it; empty for a validate request.
    pub(crate) to: Vec<RecipientKey>,
    /// The array of message objects, byte for byte.
    pub(crate) messages: &'a str,
    /// How many objects that is.
    pub(crate) count: usize,
    /// Names the messages in the ledger.
    pub(crate) digest: Digest,
    /// Of the whole body: the same retry key must come with the same one.
    pub(crate) body: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    notification_disabled: Option<&'a RawValue>,
    #[serde(borrow)]
    custom_aggregation_units: Option<&'a RawValue>,
}

/// Reads a body, or says what LINE would answer: `400`.
pub(crate) fn read(endpoint: Endpoint, bytes: &[u8]) -> Result<SendRequest<'_>, Answer> {
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|error| {
        bad_request(&format!(
            "The request body could not be parsed as JSON (line: {}, column: {})",
            error.line(),
            error.column()
        ))
    })?;
    let mut found = Vec::new();
    let to = match endpoint {
        Endpoint::Push => read_one(body.to, &mut found)?,
        Endpoint::Multicast => read_many(body.to, &mut found)?,
        _ => Vec::new(),
    };
    if let Some(flag) = body.notification_disabled
        && !matches!(flag.get(), "true" | "false")
    {
        return Err(invalid_property("notificationDisabled"));
    }
    if let Some(units) = body.custom_aggregation_units {
        check_units(units, &mut found)?;
    }
    let mut count = 0;
    match body.messages {
        None => found.push(detail("May not be empty", "messages")),
        Some(messages) => {
            let messages: Vec<serde_json::Value> =
                serde_json::from_str(messages.get()).map_err(|_| invalid_property("messages"))?;
            count = messages.len();
            found.extend(message::check(&messages));
        }
    }
    if found.is_empty() {
        let messages = body.messages.map_or("", RawValue::get);
        Ok(SendRequest {
            to,
            messages,
            digest: digest(messages.as_bytes()),
            count,
            body: digest(bytes),
        })
    } else {
        let message = format!("The request body has {} error(s)", found.len());
        let body = json!({ "message": message, "details": found });
        Err(Answer::new(StatusCode::BAD_REQUEST, body.to_string()))
    }
}

fn read_one(to: Option<&RawValue>, found: &mut Vec<Detail>) -> Result<Vec<RecipientKey>, Answer> {
    let Some(to) = to else {
        found.push(detail("May not be empty", "to"));
        return Ok(Vec::new());
    };
    // Users report this text with the quotes: https://github.com/line/line-bot-sdk-java/issues/54
    let recipient = read_id(to).ok_or_else(|| invalid_property("'to'"))?;
    Ok(vec![recipient.fingerprint()])
}

fn read_many(to: Option<&RawValue>, found: &mut Vec<Detail>) -> Result<Vec<RecipientKey>, Answer> {
    let Some(to) = to else {
        found.push(detail("May not be empty", "to"));
        return Ok(Vec::new());
    };
    let ids: Vec<&RawValue> = serde_json::from_str(to.get()).map_err(|_| invalid_property("to"))?;
    if ids.is_empty() || ids.len() > MAX_RECIPIENTS {
        let size = format!("Size must be between 1 and {MAX_RECIPIENTS}");
        found.push(detail(&size, "to"));
        return Ok(Vec::new());
    }
    let mut to = Vec::with_capacity(ids.len());
    for (i, id) in ids.into_iter().enumerate() {
        let user = read_id(id).filter(Recipient::can_share);
        let user = user.ok_or_else(|| invalid_property(&format!("to[{i}]")))?;
        to.push(user.fingerprint());
    }
    Ok(to)
}

fn read_id(json: &RawValue) -> Option<Recipient> {
    let quoted = json.get();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        let text: String = serde_json::from_str(quoted).ok()?;
        return Recipient::parse(Channel::Line, &text).ok();
    }
    Recipient::parse(Channel::Line, plain).ok()
}

/// One name at most, 1 to 30 of `[A-Za-z0-9_]`.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
fn check_units(units: &RawValue, found: &mut Vec<Detail>) -> Result<(), Answer> {
    const NAME: &str = "customAggregationUnits";
    let units: Vec<String> =
        serde_json::from_str(units.get()).map_err(|_| invalid_property(NAME))?;
    if units.len() > 1 {
        found.push(detail("Size must be between 0 and 1", NAME));
    } else if let Some(unit) = units.first() {
        let is_name = unit.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name || !(1..=30).contains(&unit.len()) {
            return Err(invalid_property("customAggregationUnits[0]"));
        }
    }
    Ok(())
}

fn detail(message: &str, property: &str) -> Detail {
    Detail {
        message: message.into(),
        property: property.into(),
    }
}

fn bad_request(message: &str) -> Answer {
    Answer::refusal(StatusCode::BAD_REQUEST, message)
}

fn invalid_property(property: &str) -> Answer {
    bad_request(&format!(
        "The property, {property}, in the request body is invalid (line: -, column: -)"
    ))
}
