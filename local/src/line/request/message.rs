//! Whether LINE would take an array of message objects.

use fanline_core::text::utf16_len;
use serde_json::{Map, Value};

/// One of the `details` of LINE's 400.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Detail {
    pub(crate) message: String,
    pub(crate) property: String,
}

/// What a field of a message object has to be.
enum Rule {
    /// A string of 1 to so many UTF-16 code units.
    Text(usize),
    /// An HTTPS URL of up to 2,000 characters.
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

type Fields = &'static [(&'static str, Rule)];

/// The required fields of each type of message.
/// <https://developers.line.biz/en/reference/messaging-api/#message-objects>
const TYPES: &[(&str, Fields)] = &[
    ("text", &[("text", Rule::Text(5000))]),
    ("textV2", &[("text", Rule::Text(5000))]),
    (
        "sticker",
        &[("packageId", Rule::Name), ("stickerId", Rule::Name)],
    ),
    (
        "image",
        &[
            ("originalContentUrl", Rule::Url),
            ("previewImageUrl", Rule::Url),
        ],
    ),
    (
        "video",
        &[
            ("originalContentUrl", Rule::Url),
            ("previewImageUrl", Rule::Url),
        ],
    ),
    (
        "audio",
        &[
            ("originalContentUrl", Rule::Url),
            ("duration", Rule::Number),
        ],
    ),
    (
        "location",
        &[
            ("title", Rule::Text(100)),
            ("address", Rule::Text(100)),
            ("latitude", Rule::Number),
            ("longitude", Rule::Number),
        ],
    ),
    (
        "imagemap",
        &[
            ("baseUrl", Rule::Url),
            ("altText", Rule::Text(1500)),
            ("baseSize", Rule::Object),
            ("actions", Rule::Array),
        ],
    ),
    (
        "template",
        &[("altText", Rule::Text(1500)), ("template", Rule::Object)],
    ),
    (
        "flex",
        &[("altText", Rule::Text(1500)), ("contents", Rule::Container)],
    ),
    ("coupon", &[("couponId", Rule::Name)]),
];

/// Everything that LINE would find wrong with `messages`, in their order.
pub(crate) fn check(messages: &[Value]) -> Vec<Detail> {
    let mut found = Vec::new();
    if messages.is_empty() || messages.len() > 5 {
        note(
            &mut found,
            "Size must be between 1 and 5",
            "messages".into(),
        );
        return found;
    }
    for (i, message) in messages.iter().enumerate() {
        let at = format!("messages[{i}]");
        match message {
            Value::Object(fields) => check_object(&mut found, &at, fields),
            _ => note(&mut found, "Must be an object", at),
        }
    }
    found
}

fn check_object(found: &mut Vec<Detail>, at: &str, message: &Map<String, Value>) {
    let kind = message.get("type").and_then(Value::as_str);
    let Some((_, fields)) = TYPES.iter().find(|(name, _)| Some(*name) == kind) else {
        let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "Must be one of the following values: [{}]",
            names.join(", ")
        );
        return note(found, &text, format!("{at}.type"));
    };
    for (name, rule) in *fields {
        if let Err(why) = rule.check(message.get(*name)) {
            note(found, &why, format!("{at}.{name}"));
        }
    }
    let items = message
        .get("quickReply")
        .map(|quick| quick.get("items").and_then(Value::as_array));
    if let Some(items) = items
        && !matches!(items.map(Vec::len), Some(1..=13))
    {
        note(
            found,
            "Size must be between 1 and 13",
            format!("{at}.quickReply.items"),
        );
    }
}

impl Rule {
    fn check(&self, value: Option<&Value>) -> Result<(), String> {
        let value = match value {
            None | Some(Value::Null) => return Err("May not be empty".into()),
            Some(value) => value,
        };
        let fits = match self {
            Self::Text(most) => {
                let text = value.as_str().ok_or("Must be a string")?;
                if text.is_empty() {
                    return Err("May not be empty".into());
                }
                if utf16_len(text) > *most {
                    return Err(format!("Length must be between 0 and {most}"));
                }
                true
            }
            Self::Name => !value.as_str().ok_or("Must be a string")?.is_empty(),
            Self::Url => return check_url(value.as_str().ok_or("Must be a string")?),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Container => matches!(
                value.get("type").and_then(Value::as_str),
                Some("bubble" | "carousel")
            ),
        };
        match (fits, self) {
            (true, _) => Ok(()),
            (false, Self::Name) => Err("May not be empty".into()),
            (false, Self::Container) => {
                Err("Must be one of the following values: [bubble, carousel]".into())
            }
            (false, _) => Err("Must be valid".into()),
        }
    }
}

/// HTTPS, up to 2,000 characters, percent-encoded.
/// <https://developers.line.biz/en/reference/messaging-api/#image-message>
fn check_url(url: &str) -> Result<(), String> {
    if utf16_len(url) > 2000 {
        return Err("Length must be between 0 and 2000".into());
    }
    let host = url.strip_prefix("https://").unwrap_or_default();
    let is_encoded = url.bytes().all(|b| b.is_ascii_graphic());
    if host.is_empty() || host.starts_with('/') || !is_encoded {
        return Err("invalid uri".into());
    }
    Ok(())
}

fn note(found: &mut Vec<Detail>, message: &str, property: String) {
    found.push(Detail {
        message: message.into(),
        property,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_with_its_fields_is_taken() {
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
            json!({"type": "location", "title": "a", "address": "b", "latitude": 25.0, "longitude": 121.5}),
            json!({"type": "imagemap", "baseUrl": url, "altText": "a", "baseSize": {"width": 1040, "height": 1040}, "actions": []}),
            json!({"type": "template", "altText": "a", "template": {"type": "buttons"}}),
            json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}}),
            json!({"type": "coupon", "couponId": "01"}),
            json!({"type": "text", "text": "a", "quickReply": {"items": vec![1; 13]}}),
        ] {
            assert_eq!(check(std::slice::from_ref(&message)), [], "{message}");
        }
    }

    #[test]
    fn what_line_refuses_is_named_by_its_property() {
        let kinds = "Must be one of the following values: [text, textV2, sticker, image, video, audio, location, imagemap, template, flex, coupon]";
        let url = "https://example.com/a.jpg";
        for (message, property, text) in [
            (
                json!({"type": "text", "text": ""}),
                "text",
                "May not be empty",
            ),
            (json!({"type": "text"}), "text", "May not be empty"),
            (
                json!({"type": "text", "text": null}),
                "text",
                "May not be empty",
            ),
            (
                json!({"type": "text", "text": 5}),
                "text",
                "Must be a string",
            ),
            (
                json!({"type": "text", "text": "x".repeat(5001)}),
                "text",
                "Length must be between 0 and 5000",
            ),
            (
                json!({"type": "text", "text": "🎄".repeat(2501)}),
                "text",
                "Length must be between 0 and 5000",
            ),
            (json!({"type": "nothing"}), "type", kinds),
            (json!({"text": "a"}), "type", kinds),
            (
                json!({"type": "sticker", "packageId": "1"}),
                "stickerId",
                "May not be empty",
            ),
            (
                json!({"type": "sticker", "packageId": "", "stickerId": "1"}),
                "packageId",
                "May not be empty",
            ),
            (
                json!({"type": "image", "originalContentUrl": "http://example.com/a.jpg", "previewImageUrl": url}),
                "originalContentUrl",
                "invalid uri",
            ),
            (
                json!({"type": "image", "originalContentUrl": url, "previewImageUrl": "https://"}),
                "previewImageUrl",
                "invalid uri",
            ),
            (
                json!({"type": "image", "originalContentUrl": url, "previewImageUrl": "https://example.com/早"}),
                "previewImageUrl",
                "invalid uri",
            ),
            (
                json!({"type": "image", "originalContentUrl": url, "previewImageUrl": format!("https://example.com/{}", "a".repeat(2000))}),
                "previewImageUrl",
                "Length must be between 0 and 2000",
            ),
            (
                json!({"type": "flex", "altText": "a".repeat(1501), "contents": {"type": "bubble"}}),
                "altText",
                "Length must be between 0 and 1500",
            ),
            (
                json!({"type": "flex", "altText": "a", "contents": {"type": "box"}}),
                "contents",
                "Must be one of the following values: [bubble, carousel]",
            ),
            (
                json!({"type": "audio", "originalContentUrl": url, "duration": "1"}),
                "duration",
                "Must be valid",
            ),
            (
                json!({"type": "text", "text": "a", "quickReply": {"items": vec![1; 14]}}),
                "quickReply.items",
                "Size must be between 1 and 13",
            ),
        ] {
            let found = check(std::slice::from_ref(&message));
            let expected = Detail {
                message: text.into(),
                property: format!("messages[0].{property}"),
            };
            assert_eq!(found, [expected], "{message}");
        }
    }

    #[test]
    fn one_to_five_objects_are_taken_and_every_fault_is_listed() {
        let good = json!({"type": "text", "text": "a"});
        for (n, fits) in [(0, false), (1, true), (5, true), (6, false)] {
            assert_eq!(check(&vec![good.clone(); n]).is_empty(), fits, "{n}");
        }
        let found = check(&[
            json!({"type": "text", "text": ""}),
            json!(7),
            json!({"type": "x"}),
        ]);
        let places: Vec<_> = found.iter().map(|d| d.property.as_str()).collect();
        assert_eq!(
            places,
            ["messages[0].text", "messages[1]", "messages[2].type"]
        );
    }
}
