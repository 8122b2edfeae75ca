//! Messages as text, for a terminal.

use fanline_producer::SampleReason;
use serde_json::Value;

/// Why a row is shown, in words.
pub(crate) fn reason(reason: &SampleReason) -> String {
    match reason {
        SampleReason::Asked => "which you asked for".into(),
        SampleReason::First => "the first one that is sent".into(),
        SampleReason::Longest => "the longest one".into(),
        SampleReason::Empty(column) => format!("in which `{column}` is empty"),
        SampleReason::Drawn => "one of eight drawn from the whole list".into(),
    }
}

/// The lines of these message objects. A text is as people read it, and anything else is named.
pub(crate) fn lines(messages: &Value) -> Vec<String> {
    let objects = messages.as_array().into_iter().flatten();
    objects.flat_map(message).collect()
}

fn message(message: &Value) -> Vec<String> {
    let field = |name: &str| message[name].as_str().unwrap_or_default();
    let mut lines = match field("type") {
        "text" | "textV2" => text(field("text")),
        // LINE Notify's messages have no type.
        "" => text(field("message").trim_start_matches('\n')),
        "sticker" => vec![format!(
            "[sticker {}/{}]",
            plain(field("packageId")),
            plain(field("stickerId"))
        )],
        kind @ ("image" | "video" | "audio") => {
            vec![format!("[{kind} {}]", plain(field("originalContentUrl")))]
        }
        "location" => vec![format!("[location {}]", plain(field("title")))],
        kind => vec![format!("[{} {}]", plain(kind), plain(field("altText")))],
    };
    let items = message
        .pointer("/quickReply/items")
        .and_then(Value::as_array);
    let labels = items.into_iter().flatten();
    let labels = labels.filter_map(|item| item.pointer("/action/label")?.as_str());
    let labels: Vec<_> = labels.map(plain).collect();
    if !labels.is_empty() {
        lines.push(format!("[quick replies: {}]", labels.join(" | ")));
    }
    lines
}

fn text(text: &str) -> Vec<String> {
    text.split('\n').map(plain).collect()
}

/// The text without what would control a terminal.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_shown_as_it_is_and_anything_else_is_named() {
        let shown = lines(&json!([
            {"type": "text", "text": "早安\nAnn\u{1b}[2J"},
            {"type": "sticker", "packageId": "446", "stickerId": "1988"},
            {"type": "image", "originalContentUrl": "https://e.com/a.jpg", "previewImageUrl": ""},
            {"type": "flex", "altText": "a ticket", "contents": {}},
            {"type": "text", "text": "?", "quickReply": {"items": [
                {"type": "action", "action": {"type": "message", "label": "yes", "text": "y"}},
                {"type": "action", "action": {"type": "message", "label": "no", "text": "n"}},
            ]}},
            {"message": "\nHello"},
        ]));
        assert_eq!(
            shown,
            [
                "早安",
                "Ann\u{fffd}[2J",
                "[sticker 446/1988]",
                "[image https://e.com/a.jpg]",
                "[flex a ticket]",
                "?",
                "[quick replies: yes | no]",
                "Hello",
            ]
        );
    }
}
