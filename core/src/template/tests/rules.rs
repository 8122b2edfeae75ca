//! What the channel refuses, in every row and in one.

use serde_json::json;

use super::*;

#[test]
fn what_line_refuses_in_every_row_is_known_before_any_row() {
    for (messages, expected) in [
        (text("{{ 1 // 0 }}"), "`messages[0].text` can't be rendered"),
        (text("{{ '' }}"), "`messages[0].text` is empty"),
        (
            text("{{ none }}"),
            "`messages[0].text` puts in a value that is missing",
        ),
        (
            text("{{ a|nope }}"),
            "`messages[0].text` uses the filter `nope`",
        ),
        (
            json!([{"type": "textV2", "text": "{{ '{{' }}10%{{ '}}' }} off, {user}!"}]),
            "`messages[0].text` has a placeholder in braces that is not in `substitution`",
        ),
        (
            json!([{"type": "image", "originalContentUrl": "http://a.jp/{{ a }}"}]),
            "`messages[0].originalContentUrl` is not `https://`",
        ),
        (
            json!([{"type": "image", "originalContentUrl": "https://a.jp/{{ a }}"}]),
            "`messages[0].previewImageUrl` is missing",
        ),
    ] {
        let problem = problem(messages);
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn what_line_refuses_in_one_row_rejects_the_row() {
    let url = json!([{
        "type": "image", "originalContentUrl": "https://a.jp/{{ name }}.jpg",
        "previewImageUrl": "https://a.jp/{{ name|urlencode }}.jpg",
    }]);
    for (messages, name, expected) in [
        (text("a{{ name }}"), "🎄".repeat(2499), ""),
        (
            text("a{{ name }}"),
            "🎄".repeat(2500),
            "`messages[0].text` has 5001 UTF-16 code units; LINE takes 5000",
        ),
        (
            text("{{ name }}"),
            String::new(),
            "`messages[0].text` is empty",
        ),
        (
            text("{{ name|trim }}"),
            " ".into(),
            "`messages[0].text` is empty",
        ),
        (url.clone(), "Ann".into(), ""),
        (
            url,
            "小明".into(),
            "`messages[0].originalContentUrl` is not percent-encoded",
        ),
    ] {
        let found = render(&compile(messages), &json!({"name": name}));
        let found = found.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(found.is_empty(), expected.is_empty(), "{found}");
    }
}

#[test]
fn a_number_may_come_from_a_template() {
    let emoji = json!({"index": "{{ at }}", "productId": "a", "emojiId": "b"});
    let template = compile(json!([
        {"type": "text", "text": "{{ name }}$", "emojis": [emoji]},
        {
            "type": "location", "title": "a", "address": "b", "latitude": "{{ lat }}",
            "longitude": "1{{ lon|default(3) }}.5",
        },
    ]));
    let row = |at: Value| json!({"name": "Ann", "at": at, "lat": "-7.25"});
    for at in [json!("3"), json!(3)] {
        let messages = render(&template, &row(at)).unwrap();
        assert_eq!(messages[0]["emojis"][0]["index"], json!(3));
        assert_eq!(messages[1]["latitude"], json!(-7.25));
        assert_eq!(messages[1]["longitude"], json!(13.5));
    }
    for (at, expected) in [
        ("", "`messages[0].emojis[0].index` is not a number"),
        ("\"3\"", "`messages[0].emojis[0].index` is not a number"),
        ("3}", "`messages[0].emojis[0].index` is not a number"),
        ("0.5", "`messages[0].emojis[0].index` is not a whole number"),
        ("2", "`messages[0].text` has no `$` at position 2"),
    ] {
        let error = render(&template, &row(json!(at))).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn braces_of_a_value_are_shown_in_a_text_v2() {
    let mention = json!({"type": "mention", "mentionee": {"type": "all"}});
    for source in [
        "Hi {{ name }} {all}",
        "Hi {{ name|trim }} {all}",
        "Hi {{ row['name'] }} {all}",
    ] {
        let template = compile(json!([{
            "type": "textV2", "text": source, "substitution": {"all": mention},
        }]));
        for (name, expected) in [
            ("Ann", "Hi Ann {all}"),
            ("{^_^}", "Hi {{^_^}} {all}"),
            ("Bo}", "Hi Bo}} {all}"),
            ("{all}", "Hi {{all}} {all}"),
        ] {
            let messages = render(&template, &json!({"name": name})).unwrap();
            assert_eq!(messages[0]["text"], expected, "{source}");
        }
    }
    assert_eq!(
        rendered("Hi {{ name }}", &json!({"name": "{^_^}"})),
        "Hi {^_^}"
    );
}

#[test]
fn line_notify_takes_its_own_fields_and_pairs() {
    let whole = json!({
        "message": "早安 {{ name }}",
        "image_thumbnail": "https://x/s.jpg",
        "image_fullsize": "https://x/l.jpg",
        "sticker_package_id": 446,
        "sticker_id": "1988",
    });
    for messages in [json!([whole]), whole.clone()] {
        let template = MessageTemplate::compile(Channel::LineNotify, messages).unwrap();
        let long = |n: usize| json!({"name": "早".repeat(n)});
        let messages = render(&template, &long(997)).unwrap();
        assert_eq!(messages[0]["sticker_package_id"], 446);
        assert_eq!(
            render(&template, &long(998)).unwrap_err().to_string(),
            "`messages[0].message` has 1001 UTF-16 code units; LINE Notify takes 1000"
        );
    }
    for (messages, sentence) in [
        (
            json!([whole, whole]),
            "`messages` has 2 messages; LINE Notify takes 1",
        ),
        (
            json!([{"text": "hi"}]),
            "`messages[0].text` is not a field of a LINE Notify message",
        ),
        (
            json!([{"image_file": "x.png"}]),
            "`messages[0].message` is missing",
        ),
        (json!([{"message": ""}]), "`messages[0].message` is empty"),
        (
            json!([{"message": "x".repeat(1001)}]),
            "`messages[0].message` has 1001 UTF-16 code units; LINE Notify takes 1000",
        ),
        (
            json!([{"message": "hi", "image_fullsize": "https://x/l.jpg"}]),
            "`messages[0].image_thumbnail` is missing",
        ),
        (
            json!([{"message": "hi", "sticker_id": 1}]),
            "`messages[0].sticker_package_id` is missing",
        ),
        (
            json!([{"message": 5}]),
            "`messages[0].message` is not a text",
        ),
    ] {
        let error = MessageTemplate::compile(Channel::LineNotify, messages).unwrap_err();
        let TemplateError::Field { field, problem } = error else {
            panic!("{error:?}");
        };
        let shown = format!("`{field}` {problem}");
        assert!(shown.starts_with(sentence), "{shown}");
    }
}
