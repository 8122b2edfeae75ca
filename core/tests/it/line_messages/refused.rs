//! Campaigns that LINE refused, found before anything is sent.

use fanline_core::line_message::{MessageRules, double_braces, problems};
use serde_json::{Value, json};

fn image(original: &str) -> Value {
    json!({
        "type": "image",
        "originalContentUrl": original,
        "previewImageUrl": "https://example.com/preview.jpg",
    })
}

#[test]
fn one_wrong_letter_for_everybody_is_named_with_its_field() {
    let button = json!({"type": "action", "action": {"type": "camera", "label": "a"}});
    let long = format!("https://example.com/{}", "a".repeat(2000));
    let audio = "https://example.com/a.m4a";
    for (message, sentence) in [
        (
            image("http://example.com/a.jpg"),
            "`messages[0].originalContentUrl` is not `https://`; LINE takes no other URL here",
        ),
        (
            image(&long),
            "`messages[0].originalContentUrl` has 2020 characters; LINE takes a URL of up to 2000",
        ),
        (
            image("https://example.com/早.jpg"),
            "`messages[0].originalContentUrl` is not percent-encoded; \
             write a space as `%20` and `早` as `%E6%97%A9`",
        ),
        (
            json!({"type": "image", "originalContentUrl": "https://example.com/a.jpg"}),
            "`messages[0].previewImageUrl` is missing; LINE takes no `image` message without it",
        ),
        (
            json!({"type": "txt", "text": "hi"}),
            "`messages[0].type` is no type of message that LINE takes here; it takes `text`, \
             `textV2`, `sticker`, `image`, `video`, `audio`, `location`, `imagemap`, `template`, \
             `flex`, `coupon`",
        ),
        (
            json!({"type": "sticker", "packageId": 446, "stickerId": "1988"}),
            "`messages[0].packageId` is not a text; write it in double quotes",
        ),
        (
            json!({"type": "text", "text": "hi", "quickReply": {"items": vec![button; 14]}}),
            "`messages[0].quickReply.items` has 14 items; LINE takes 1 to 13",
        ),
        (
            json!({"type": "audio", "originalContentUrl": audio, "duration": "60000"}),
            "`messages[0].duration` is not a number; write it without quotes",
        ),
        (
            json!({"type": "textV2", "text": "{{10%}} off, {user}!"}),
            "`messages[0].text` has a placeholder in braces that is not in `substitution`, \
             which is missing; write a brace that is to be seen as `{{` or `}}`",
        ),
    ] {
        let found = problems(std::slice::from_ref(&message));
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, [sentence]);
    }
}

#[test]
fn a_flex_message_over_its_size_and_a_sender_over_its_length_are_named() {
    let text = json!({"type": "text", "text": "x".repeat(3_000)});
    let body = |n: usize| json!({"type": "box", "layout": "vertical", "contents": vec![&text; n]});
    let bubble = |n| json!({"type": "bubble", "body": body(n)});
    let flex = |contents| json!({"type": "flex", "altText": "a", "contents": contents});
    let carousel = json!({"type": "carousel", "contents": [bubble(9), bubble(9)]});
    let sender = json!({"name": "x".repeat(21), "iconUrl": "http://example.com/a.png"});
    for (message, properties) in [
        (flex(bubble(11)), &["messages[0].contents"][..]),
        (flex(carousel), &["messages[0].contents"]),
        (
            json!({"type": "text", "text": "hi", "sender": sender}),
            &["messages[0].sender.name", "messages[0].sender.iconUrl"],
        ),
    ] {
        let found = problems(std::slice::from_ref(&message));
        let at: Vec<_> = found
            .iter()
            .map(|problem| problem.property.as_str())
            .collect();
        assert_eq!(at, properties);
    }
}

/// Whether each of `names` may be put in place of `<name>` in the message's only template.
fn taken(message: &Value, names: &[&str]) -> Vec<bool> {
    let before = |text: &str| text.find("<name>");
    let messages = std::slice::from_ref(message);
    let rules =
        MessageRules::compile(messages, &|text| before(text).map(|at| &text[..at])).unwrap();
    let template = message.to_string();
    let rendered = |name: &str| {
        let fragment = serde_json::to_string(name).unwrap();
        template.replace("<name>", fragment.trim_matches('"'))
    };
    let field = &rules.fields()[0];
    let pointer = super::pointer(field.property()).replacen("/0", "", 1);
    names
        .iter()
        .map(|name| {
            let name = if field.doubles_braces() {
                double_braces(name)
            } else {
                (*name).into()
            };
            let json = rendered(&name);
            let message: Value = serde_json::from_str(&json).unwrap();
            let text = message.pointer(&pointer).unwrap().to_string();
            let mut row = rules.row();
            let found = row
                .field(0, text.trim_matches('"'))
                .and_then(|()| row.finish(&format!("[{json}]")));
            assert_eq!(found.is_ok(), problems(&[message]).is_empty());
            found.is_ok()
        })
        .collect()
}

#[test]
fn a_row_whose_url_is_not_percent_encoded_is_rejected_alone() {
    let message = image("https://example.com/<name>.jpg");
    assert_eq!(taken(&message, &["Ann", "Bo", "小明"]), [true, true, false]);
}

#[test]
fn a_row_that_makes_a_bubble_too_large_is_rejected_alone() {
    let text = json!({"type": "text", "text": "<name>"});
    let body = json!({"type": "box", "layout": "vertical", "contents": [text]});
    let bubble = json!({"type": "bubble", "body": body});
    let message = json!({"type": "flex", "altText": "a", "contents": bubble});
    let long = "早".repeat(11_000);
    assert_eq!(taken(&message, &["Ann", &long]), [true, false]);
}

#[test]
fn braces_in_a_value_are_shown_and_substitute_nothing() {
    let everyone = json!({"type": "mention", "mentionee": {"type": "all"}});
    let message = json!({
        "type": "textV2", "text": "Hi <name>", "substitution": {"everyone": everyone},
    });
    assert_eq!(
        taken(&message, &["Ann", "{^_^}", "Bo}", "{everyone}"]),
        [true; 4]
    );
    assert_eq!(double_braces("{^_^}"), "{{^_^}}");
    assert_eq!(double_braces("Bo}"), "Bo}}");
}
