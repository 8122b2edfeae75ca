//! What each channel takes as messages, as far as it can be checked without a row.

use serde_json::{Map, Value};

use super::error::TemplateError;
use crate::channel::Channel;
use crate::limits::line::MAX_MESSAGES;

/// The fields of a LINE Notify message. <https://hackmd.io/@pclin/ryoT9RHrw> (a copy of the
/// official table)
const NOTIFY_FIELDS: [&str; 6] = [
    "message",
    "image_thumbnail",
    "image_fullsize",
    "image_file",
    "sticker_package_id",
    "sticker_id",
];

/// The message objects that a campaign's `messages` holds, if the channel takes them.
pub(super) fn message_objects(
    channel: Channel,
    messages: Value,
) -> Result<Vec<Map<String, Value>>, TemplateError> {
    let messages = match (channel, messages) {
        (Channel::LineNotify, Value::Object(message)) => vec![Value::Object(message)],
        (_, Value::Array(messages)) => messages,
        _ => {
            return Err(TemplateError::new(
                "messages",
                "is not a list of message objects",
            ));
        }
    };
    check_number(channel, messages.len())?;
    messages
        .into_iter()
        .enumerate()
        .map(|(i, message)| {
            let field = message_field(i);
            let Value::Object(message) = message else {
                return Err(TemplateError::new(field, "is not a message object"));
            };
            match channel {
                Channel::Line => check_line_message(&field, &message)?,
                Channel::LineNotify => check_notify_message(&field, &message)?,
            }
            Ok(message)
        })
        .collect()
}

/// The path of the message with this number, which counts from 0.
pub(super) fn message_field(i: usize) -> String {
    format!("messages[{i}]")
}

fn check_number(channel: Channel, number: usize) -> Result<(), TemplateError> {
    let takes = match (channel, number) {
        (Channel::Line, 1..=MAX_MESSAGES) | (Channel::LineNotify, 1) => return Ok(()),
        (Channel::Line, _) => format!("LINE takes 1 to {MAX_MESSAGES} in a request"),
        (Channel::LineNotify, _) => "LINE Notify takes 1".into(),
    };
    Err(TemplateError::new(
        "messages",
        format!("has {number} messages; {takes}"),
    ))
}

fn check_line_message(field: &str, message: &Map<String, Value>) -> Result<(), TemplateError> {
    let kind = required_text(field, message, "type")?;
    if matches!(kind, "text" | "textV2") {
        required_text(field, message, "text")?;
    }
    Ok(())
}

fn required_text<'a>(
    field: &str,
    message: &'a Map<String, Value>,
    key: &str,
) -> Result<&'a str, TemplateError> {
    let error = |problem| TemplateError::new(format!("{field}.{key}"), problem);
    let value = message.get(key).ok_or_else(|| error("is missing"))?;
    value.as_str().ok_or_else(|| error("is not a text"))
}

fn check_notify_message(field: &str, message: &Map<String, Value>) -> Result<(), TemplateError> {
    for (key, value) in message {
        let error = |problem| TemplateError::new(format!("{field}.{key}"), problem);
        if !NOTIFY_FIELDS.contains(&key.as_str()) {
            let fields = NOTIFY_FIELDS.join(", ");
            return Err(error(format!(
                "is not a field of a LINE Notify message: {fields}"
            )));
        }
        let may_be_number = key.starts_with("sticker");
        if !(value.is_string() || may_be_number && value.is_u64()) {
            return Err(error("is not a text".into()));
        }
    }
    required_text(field, message, "message")?;
    for [one, other] in [
        ["image_thumbnail", "image_fullsize"],
        ["sticker_package_id", "sticker_id"],
    ] {
        for [present, absent] in [[one, other], [other, one]] {
            if message.contains_key(present) && !message.contains_key(absent) {
                return Err(TemplateError::new(
                    format!("{field}.{absent}"),
                    format!("is missing: LINE Notify takes it together with `{present}`"),
                ));
            }
        }
    }
    Ok(())
}
