//! What LINE Notify takes as a message.

use serde_json::{Map, Value};

use super::error::TemplateError;
use crate::text::utf16_len;

/// The fields of a LINE Notify message. <https://hackmd.io/@pclin/ryoT9RHrw> (a copy of the
/// official table)
const FIELDS: [&str; 6] = [
    "message",
    "image_thumbnail",
    "image_fullsize",
    "image_file",
    "sticker_package_id",
    "sticker_id",
];

/// The protocol says "1000 characters" and no unit. LINE counts UTF-16 code units elsewhere, so
/// this limit does too.
const MAX_MESSAGE: usize = 1000;

/// Checks the one message of a campaign, as far as it can be checked without a row.
pub(super) fn check_messages(
    messages: &[Value],
    is_template: &dyn Fn(&str) -> bool,
) -> Result<(), TemplateError> {
    let [message] = messages else {
        return Err(TemplateError::new(
            "messages",
            format!("has {} messages; LINE Notify takes 1", messages.len()),
        ));
    };
    let field = "messages[0]";
    let Value::Object(message) = message else {
        return Err(TemplateError::new(field, "is not a message object"));
    };
    check_fields(field, message)?;
    match message.get("message").and_then(Value::as_str) {
        None => Err(TemplateError::new(format!("{field}.message"), "is missing")),
        Some(text) if is_template(text) => Ok(()),
        Some(text) => check_text(text)
            .map_err(|problem| TemplateError::new(format!("{field}.message"), problem)),
    }
}

/// Checks the text of a message. An error is the end of a sentence.
fn check_text(text: &str) -> Result<(), String> {
    match utf16_len(text) {
        0 => Err("is empty".into()),
        length if length > MAX_MESSAGE => Err(format!(
            "has {length} UTF-16 code units; LINE Notify takes {MAX_MESSAGE}"
        )),
        _ => Ok(()),
    }
}

/// Checks a rendered field. `fragment` is the inside of its JSON string.
pub(super) fn check_fragment(field: &str, fragment: &str) -> Result<(), String> {
    // A text has no more UTF-16 code units than its JSON has bytes.
    if field != "messages[0].message" || (1..=MAX_MESSAGE).contains(&fragment.len()) {
        return Ok(());
    }
    let text: String = serde_json::from_str(&format!("\"{fragment}\""))
        .map_err(|_| "is not a JSON string".to_owned())?;
    check_text(&text)
}

fn check_fields(field: &str, message: &Map<String, Value>) -> Result<(), TemplateError> {
    for (key, value) in message {
        let error = |problem| TemplateError::new(format!("{field}.{key}"), problem);
        if !FIELDS.contains(&key.as_str()) {
            let fields = FIELDS.join(", ");
            return Err(error(format!(
                "is not a field of a LINE Notify message: {fields}"
            )));
        }
        let may_be_number = key.starts_with("sticker");
        if !(value.is_string() || may_be_number && value.is_u64()) {
            return Err(error("is not a text".into()));
        }
    }
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
