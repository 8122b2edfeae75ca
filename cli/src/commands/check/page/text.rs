//! Texts, with LINE's emojis in them.

use serde_json::Value;

use super::html::{escaped, field, members};

/// LINE's emoji has a picture that only LINE has.
fn emoji(of: &Value) -> String {
    let name = format!("{}/{}", field(of, "productId"), field(of, "emojiId"));
    format!(
        "<span class=\"emoji\" title=\"LINE emoji {}\">☺</span>",
        escaped(&name)
    )
}

/// A text whose `$` at an emoji's index is that emoji. LINE counts in UTF-16 code units.
pub(super) fn text(message: &Value) -> String {
    let emojis = members(message, "emojis");
    let mut html = String::new();
    let mut index = 0;
    for c in field(message, "text").chars() {
        let is_here = |of: &&Value| of.get("index").and_then(Value::as_u64) == Some(index);
        match emojis.iter().find(is_here) {
            Some(of) if c == '$' => html.push_str(&emoji(of)),
            _ => html.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
        index += c.len_utf16() as u64;
    }
    html
}

/// A text with placeholders in braces. A doubled brace is a brace.
pub(super) fn text_v2(message: &Value) -> String {
    let mut html = String::new();
    let mut rest = field(message, "text");
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        html.push_str(&escaped(before));
        if from.starts_with("{{") || from.starts_with("}}") {
            html.push_str(from.get(..1).unwrap_or_default());
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        let end = from.find('}').map_or(from.len(), |end| end + 1);
        let (placeholder, behind) = from.split_at(end);
        let name = placeholder.trim_matches(['{', '}']);
        html.push_str(&substitute(message, name));
        rest = behind;
    }
    html + &escaped(rest)
}

fn substitute(message: &Value, name: &str) -> String {
    let of = message.get("substitution").and_then(|all| all.get(name));
    match of.map(|of| (field(of, "type"), of)) {
        Some(("emoji", of)) => emoji(of),
        Some(("mention", _)) => format!("<b>@{}</b>", escaped(name)),
        _ => escaped(&format!("{{{name}}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_emoji_stands_where_line_puts_it_and_nothing_else_is_html() {
        let message = json!({"text": "😀$ <b> $", "emojis": [
            {"index": 2, "productId": "p", "emojiId": "1"}]});
        assert_eq!(
            text(&message),
            "😀<span class=\"emoji\" title=\"LINE emoji p/1\">☺</span> &lt;b&gt; $"
        );
    }

    #[test]
    fn placeholders_are_filled_and_doubled_braces_are_one() {
        let message = json!({"text": "{{a}} {who} <{face}> {x}", "substitution": {
            "who": {"type": "mention", "mentionee": {"type": "all"}},
            "face": {"type": "emoji", "productId": "p", "emojiId": "1"}}});
        let html = text_v2(&message);
        assert!(html.starts_with("{a} <b>@who</b> &lt;<span"), "{html}");
        assert!(html.ends_with("&gt; {x}"), "{html}");
    }
}
