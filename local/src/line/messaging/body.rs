//! The body of a push, multicast or validate request, read as LINE reads it.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::line::answer::Answer;
use crate::line::endpoint::LineEndpoint;
use crate::line::messaging::message_objects::{ErrorDetail, check_message_objects};
use crate::line::recipient::{self, RecipientKey};
use crate::line::text::{Digest128, digest};

/// A multicast has at most 500 recipients.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
const MAX_RECIPIENTS: usize = 500;

/// A name in `customAggregationUnits` has at most 30 characters.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
const MAX_UNIT_NAME: usize = 30;

/// A request that LINE would accept, as far as the request itself can tell.
#[derive(Debug)]
pub(crate) struct SendRequest<'a> {
    /// The recipients; none for a validate request.
    pub(crate) to: Vec<RecipientKey>,
    /// The array of message objects, byte for byte.
    pub(crate) messages: &'a str,
    /// The name in `customAggregationUnits`.
    pub(crate) unit: Option<String>,
    /// How many message objects there are.
    pub(crate) count: usize,
    /// The digest of the messages: names them in the ledger.
    pub(crate) digest: Digest128,
    /// The digest of the whole body: the same retry key must come with the same body.
    pub(crate) body: Digest128,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendBody<'a> {
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    notification_disabled: Option<&'a RawValue>,
    #[serde(borrow)]
    custom_aggregation_units: Option<&'a RawValue>,
}

/// Reads a body. The error is LINE's answer: `400`.
pub(crate) fn read(endpoint: LineEndpoint, bytes: &[u8]) -> Result<SendRequest<'_>, Answer> {
    let body: SendBody<'_> = serde_json::from_slice(bytes).map_err(|error| {
        bad_request(&format!(
            "The request body could not be parsed as JSON (line: {}, column: {})",
            error.line(),
            error.column()
        ))
    })?;
    let mut details = Vec::new();
    let to = match endpoint {
        LineEndpoint::Push => read_one(body.to, &mut details)?,
        LineEndpoint::Multicast => read_many(body.to, &mut details)?,
        _ => Vec::new(),
    };
    if let Some(flag) = body.notification_disabled
        && !matches!(flag.get(), "true" | "false")
    {
        return Err(invalid_property("notificationDisabled"));
    }
    let unit = match body.custom_aggregation_units {
        Some(units) => read_unit(units, &mut details)?,
        None => None,
    };
    let (messages, count) = match body.messages {
        None => {
            details.push(ErrorDetail::new("May not be empty", "messages"));
            ("", 0)
        }
        Some(messages) => {
            let objects: Vec<serde_json::Value> =
                serde_json::from_str(messages.get()).map_err(|_| invalid_property("messages"))?;
            details.extend(check_message_objects(&objects));
            (messages.get(), objects.len())
        }
    };
    if !details.is_empty() {
        let message = format!("The request body has {} error(s)", details.len());
        let body = json!({ "message": message, "details": details });
        return Err(Answer::new(StatusCode::BAD_REQUEST, body.to_string()));
    }
    Ok(SendRequest {
        to,
        messages,
        unit,
        digest: digest(messages.as_bytes()),
        count,
        body: digest(bytes),
    })
}

fn read_one(
    to: Option<&RawValue>,
    details: &mut Vec<ErrorDetail>,
) -> Result<Vec<RecipientKey>, Answer> {
    let Some(to) = to else {
        details.push(ErrorDetail::new("May not be empty", "to"));
        return Ok(Vec::new());
    };
    // Users report this text with the quotes: https://github.com/line/line-bot-sdk-java/issues/54
    let recipient = read_id(to).ok_or_else(|| invalid_property("'to'"))?;
    Ok(vec![recipient])
}

fn read_many(
    to: Option<&RawValue>,
    details: &mut Vec<ErrorDetail>,
) -> Result<Vec<RecipientKey>, Answer> {
    let Some(to) = to else {
        details.push(ErrorDetail::new("May not be empty", "to"));
        return Ok(Vec::new());
    };
    let ids: Vec<&RawValue> = serde_json::from_str(to.get()).map_err(|_| invalid_property("to"))?;
    if ids.is_empty() || ids.len() > MAX_RECIPIENTS {
        let size = format!("Size must be between 1 and {MAX_RECIPIENTS}");
        details.push(ErrorDetail::new(size, "to"));
        return Ok(Vec::new());
    }
    ids.into_iter()
        .enumerate()
        .map(|(i, id)| {
            read_id(id)
                .filter(recipient::is_user)
                .ok_or_else(|| invalid_property(&format!("to[{i}]")))
        })
        .collect()
}

fn read_id(json: &RawValue) -> Option<RecipientKey> {
    let quoted = json.get();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        let text: String = serde_json::from_str(quoted).ok()?;
        return recipient::of_line_id(&text);
    }
    recipient::of_line_id(plain)
}

/// At most one name, of 1 to 30 characters from `[A-Za-z0-9_]`.
fn read_unit(units: &RawValue, details: &mut Vec<ErrorDetail>) -> Result<Option<String>, Answer> {
    const PROPERTY: &str = "customAggregationUnits";
    let mut units: Vec<String> =
        serde_json::from_str(units.get()).map_err(|_| invalid_property(PROPERTY))?;
    if units.len() > 1 {
        details.push(ErrorDetail::new("Size must be between 0 and 1", PROPERTY));
    } else if let Some(unit) = units.first() {
        let is_name = unit.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name || !(1..=MAX_UNIT_NAME).contains(&unit.len()) {
            return Err(invalid_property("customAggregationUnits[0]"));
        }
    }
    Ok(units.pop())
}

fn bad_request(message: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, message)
}

fn invalid_property(property: &str) -> Answer {
    bad_request(&format!(
        "The property, {property}, in the request body is invalid (line: -, column: -)"
    ))
}
