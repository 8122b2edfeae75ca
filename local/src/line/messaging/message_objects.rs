//! Whether LINE would accept an array of message objects.

use serde_json::{Map, Value};

use crate::line::text::utf16_len;

/// A request has at most 5 message objects.
/// <https://developers.line.biz/en/reference/messaging-api/#send-push-message>
const MAX_MESSAGES: usize = 5;

/// A quick reply has at most 13 items.
/// <https://developers.line.biz/en/reference/messaging-api/#quick-reply>
const MAX_QUICK_REPLY_ITEMS: usize = 13;

/// A URL has at most 2,000 characters.
/// <https://developers.line.biz/en/reference/messaging-api/#image-message>
const MAX_URL: usize = 2000;

/// One of the `details` of LINE's 400.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ErrorDetail {
    message: String,
    property: String,
}

impl ErrorDetail {
    /// What is wrong with this property.
    pub(crate) fn new(message: &str, property: impl Into<String>) -> Self {
        Self {
            message: message.to_owned(),
            property: property.into(),
        }
    }
}

/// What a field of a message object must be.
enum FieldRule {
    /// A string of 1 to this many UTF-16 code units.
    Text(usize),
    /// An HTTPS URL.
    Url,
    /// A string that is not empty.
    Name,
    /// A number.
    Number,
    /// An object.
    Object,
    /// A Flex container: a bubble or a carousel.
    Container,
    /// An array.
    Array,
}

type FieldRules = &'static [(&'static str, FieldRule)];

/// The required fields of each type of message.
/// <https://developers.line.biz/en/reference/messaging-api/#message-objects>
const TYPES: &[(&str, FieldRules)] = &[
    ("text", &[("text", FieldRule::Text(5000))]),
    ("textV2", &[("text", FieldRule::Text(5000))]),
    (
        "sticker",
        &[
            ("packageId", FieldRule::Name),
            ("stickerId", FieldRule::Name),
        ],
    ),
    (
        "image",
        &[
            ("originalContentUrl", FieldRule::Url),
            ("previewImageUrl", FieldRule::Url),
        ],
    ),
    (
        "video",
        &[
            ("originalContentUrl", FieldRule::Url),
            ("previewImageUrl", FieldRule::Url),
        ],
    ),
    (
        "audio",
        &[
            ("originalContentUrl", FieldRule::Url),
            ("duration", FieldRule::Number),
        ],
    ),
    (
        "location",
        &[
            ("title", FieldRule::Text(100)),
            ("address", FieldRule::Text(100)),
            ("latitude", FieldRule::Number),
            ("longitude", FieldRule::Number),
        ],
    ),
    (
        "imagemap",
        &[
            ("baseUrl", FieldRule::Url),
            ("altText", FieldRule::Text(1500)),
            ("baseSize", FieldRule::Object),
            ("actions", FieldRule::Array),
        ],
    ),
    (
        "template",
        &[
            ("altText", FieldRule::Text(1500)),
            ("template", FieldRule::Object),
        ],
    ),
    (
        "flex",
        &[
            ("altText", FieldRule::Text(1500)),
            ("contents", FieldRule::Container),
        ],
    ),
    ("coupon", &[("couponId", FieldRule::Name)]),
];

/// Everything that LINE would find wrong with the message objects, in their order.
pub(crate) fn check_message_objects(messages: &[Value]) -> Vec<ErrorDetail> {
    if messages.is_empty() || messages.len() > MAX_MESSAGES {
        let size = format!("Size must be between 1 and {MAX_MESSAGES}");
        return vec![ErrorDetail::new(&size, "messages")];
    }
    let mut details = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        let property = format!("messages[{i}]");
        match message {
            Value::Object(fields) => check_object(&mut details, &property, fields),
            _ => details.push(ErrorDetail::new("Must be an object", property)),
        }
    }
    details
}

fn check_object(details: &mut Vec<ErrorDetail>, property: &str, message: &Map<String, Value>) {
    let kind = message.get("type").and_then(Value::as_str);
    let Some((_, fields)) = TYPES.iter().find(|(name, _)| Some(*name) == kind) else {
        let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "Must be one of the following values: [{}]",
            names.join(", ")
        );
        details.push(ErrorDetail::new(&text, format!("{property}.type")));
        return;
    };
    for (name, rule) in *fields {
        if let Err(text) = rule.check_value(message.get(*name)) {
            details.push(ErrorDetail::new(&text, format!("{property}.{name}")));
        }
    }
    if let Some(quick_reply) = message.get("quickReply") {
        let items = quick_reply.get("items").and_then(Value::as_array);
        if !matches!(items.map(Vec::len), Some(1..=MAX_QUICK_REPLY_ITEMS)) {
            details.push(ErrorDetail::new(
                &format!("Size must be between 1 and {MAX_QUICK_REPLY_ITEMS}"),
                format!("{property}.quickReply.items"),
            ));
        }
    }
}

impl FieldRule {
    /// The error is LINE's text.
    fn check_value(&self, value: Option<&Value>) -> Result<(), String> {
        let value = match value {
            None | Some(Value::Null) => return Err("May not be empty".into()),
            Some(value) => value,
        };
        let is_valid = match self {
            Self::Text(max) => return check_text(value.as_str().ok_or("Must be a string")?, *max),
            Self::Url => return check_url(value.as_str().ok_or("Must be a string")?),
            Self::Name => {
                return match value.as_str().ok_or("Must be a string")? {
                    "" => Err("May not be empty".into()),
                    _ => Ok(()),
                };
            }
            Self::Container => {
                return match value.get("type").and_then(Value::as_str) {
                    Some("bubble" | "carousel") => Ok(()),
                    _ => Err("Must be one of the following values: [bubble, carousel]".into()),
                };
            }
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
        };
        if is_valid {
            Ok(())
        } else {
            Err("Must be valid".into())
        }
    }
}

/// 1 to `max` UTF-16 code units.
fn check_text(text: &str, max: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err("May not be empty".into());
    }
    if utf16_len(text) > max {
        return Err(format!("Length must be between 0 and {max}"));
    }
    Ok(())
}

/// HTTPS, percent-encoded and not too long.
fn check_url(url: &str) -> Result<(), String> {
    if utf16_len(url) > MAX_URL {
        return Err(format!("Length must be between 0 and {MAX_URL}"));
    }
    let has_host = url
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let is_encoded = url.bytes().all(|byte| byte.is_ascii_graphic());
    if has_host && is_encoded {
        Ok(())
    } else {
        Err("invalid uri".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_with_its_fields_is_accepted() {
        let url = "https://example.com/a%20b.jpg";
        for message in [
            json!({"type": "text", "text": "早安"}),
            json!({"type": "text", "text": "x".repeat(5000)}),
            json!({"type": "text", "text": "🎄".repeat(2500)}),
            json!({"type": "textV2", "text": "{{ok}}"}),
            json!({"type": "sticker", "packageId": "446", "stickerId": "1988"}),
            json!({"type": "image", "originalContentUrl": url, "previewImageUrl": url}),
            json!({"type": "video", "originalContentUrl": url, "previewImageUrl": url}),
            json!({"type": "audio", "originalContentUrl": url, "duration": 60000}),
            json!({
                "type": "location", "title": "a", "address": "b",
                "latitude": 25.0, "longitude": 121.5,
            }),
            json!({
                "type": "imagemap", "baseUrl": url, "altText": "a",
                "baseSize": {"width": 1040, "height": 1040}, "actions": [],
            }),
            json!({"type": "template", "altText": "a", "template": {"type": "buttons"}}),
            json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}}),
            json!({"type": "coupon", "couponId": "01"}),
            json!({"type": "text", "text": "a", "quickReply": {"items": vec![1; 13]}}),
        ] {
            let details = check_message_objects(std::slice::from_ref(&message));
            assert_eq!(details, [], "{message}");
        }
    }

    /// Checks each message, which has one error: the text for the property.
    fn expect_errors(table: &[(Value, &str, &str)]) {
        for (message, property, text) in table {
            let details = check_message_objects(std::slice::from_ref(message));
            let expected = ErrorDetail::new(text, format!("messages[0].{property}"));
            assert_eq!(details, [expected], "{message}");
        }
    }

    #[test]
    fn a_refused_text_type_or_name_is_named_by_its_property() {
        let kinds = "Must be one of the following values: [text, textV2, sticker, image, video, \
                     audio, location, imagemap, template, flex, coupon]";
        let text = |text: Value| json!({"type": "text", "text": text});
        let empty = "May not be empty";
        let long = "Length must be between 0 and 5000";
        let items = json!({"type": "text", "text": "a", "quickReply": {"items": vec![1; 14]}});
        expect_errors(&[
            (text(json!("")), "text", empty),
            (json!({"type": "text"}), "text", empty),
            (text(json!(null)), "text", empty),
            (text(json!(5)), "text", "Must be a string"),
            (text(json!("x".repeat(5001))), "text", long),
            (text(json!("🎄".repeat(2501))), "text", long),
            (json!({"type": "nothing"}), "type", kinds),
            (json!({"text": "a"}), "type", kinds),
            (
                json!({"type": "sticker", "packageId": "1"}),
                "stickerId",
                empty,
            ),
            (
                json!({"type": "sticker", "packageId": "", "stickerId": "1"}),
                "packageId",
                empty,
            ),
            (items, "quickReply.items", "Size must be between 1 and 13"),
        ]);
    }

    fn image(original: &str, preview: &str) -> Value {
        json!({"type": "image", "originalContentUrl": original, "previewImageUrl": preview})
    }

    fn flex(alt_text: &str, kind: &str) -> Value {
        json!({"type": "flex", "altText": alt_text, "contents": {"type": kind}})
    }

    #[test]
    fn a_refused_url_container_or_number_is_named_by_its_property() {
        let url = "https://example.com/a.jpg";
        let long = format!("https://example.com/{}", "a".repeat(2000));
        expect_errors(&[
            (
                image("http://example.com/a.jpg", url),
                "originalContentUrl",
                "invalid uri",
            ),
            (image(url, "https://"), "previewImageUrl", "invalid uri"),
            (
                image(url, "https://example.com/早"),
                "previewImageUrl",
                "invalid uri",
            ),
            (
                image(url, &long),
                "previewImageUrl",
                "Length must be between 0 and 2000",
            ),
            (
                flex(&"a".repeat(1501), "bubble"),
                "altText",
                "Length must be between 0 and 1500",
            ),
            (
                flex("a", "box"),
                "contents",
                "Must be one of the following values: [bubble, carousel]",
            ),
            (
                json!({"type": "audio", "originalContentUrl": url, "duration": "1"}),
                "duration",
                "Must be valid",
            ),
        ]);
    }

    #[test]
    fn one_to_five_objects_are_accepted_and_every_error_is_listed() {
        let good = json!({"type": "text", "text": "a"});
        for (n, fits) in [(0, false), (1, true), (5, true), (6, false)] {
            let details = check_message_objects(&vec![good.clone(); n]);
            assert_eq!(details.is_empty(), fits, "{n}");
        }
        let details = check_message_objects(&[
            json!({"type": "text", "text": ""}),
            json!(7),
            json!({"type": "x"}),
        ]);
        let properties: Vec<_> = details.iter().map(|d| d.property.as_str()).collect();
        assert_eq!(
            properties,
            ["messages[0].text", "messages[1]", "messages[2].type"]
        );
    }
}
