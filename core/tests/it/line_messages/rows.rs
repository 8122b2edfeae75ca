//! The check of a row finds what the check of the whole message finds.

use fanline_core::line_message::{FieldForm, MessageRules, Problem, problems};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::good;

/// Stands in a template for the row's value.
const COLUMN: &str = "<column>";

fn prefix(text: &str) -> Option<&str> {
    text.find(COLUMN).map(|at| &text[..at])
}

/// The pointers of all strings, numbers and truth values in `value`.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{i}"), found);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                leaves(value, &format!("{at}/{key}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// A campaign's message with templates, and the value that a row has for them.
#[derive(Debug, Clone)]
struct Case {
    message: Value,
    value: String,
}

fn cases() -> impl Strategy<Value = Case> {
    let messages: Vec<_> = good().into_iter().map(|(_, message)| message).collect();
    let places = prop::collection::vec((any::<Index>(), any::<bool>()), 1..4);
    (select(messages), places, values(), any::<bool>()).prop_map(
        |(mut message, places, value, keeps_value)| {
            let mut pointers = Vec::new();
            leaves(&message, "", &mut pointers);
            let mut rest = String::new();
            for (index, keeps_start) in places {
                let leaf = message
                    .pointer_mut(&pointers[index.index(pointers.len())])
                    .unwrap();
                let text = leaf
                    .as_str()
                    .map_or_else(|| leaf.to_string(), str::to_owned);
                let middle = text.char_indices().nth(text.chars().count() / 2);
                let at = middle.filter(|_| keeps_start).map_or(0, |(at, _)| at);
                let (start, end) = text.split_at(at);
                if !start.contains(COLUMN) {
                    rest = end.replace(COLUMN, "");
                    *leaf = Value::String(format!("{start}{COLUMN}"));
                }
            }
            let value = if keeps_value { rest } else { value };
            Case { message, value }
        },
    )
}

/// What a row may hold: what fits some field, and what fits none.
fn values() -> impl Strategy<Value = String> {
    let words = [
        "",
        "Ann",
        "小明",
        "🎄",
        "👨‍👩‍👧",
        "\"\\\n",
        "{",
        "{laugh}",
        "{{",
        "$ x",
        "text",
        "message",
        "uri",
        "vertical",
        "baseline",
        "mega",
        "nano",
        "time",
        "09:30",
        "2017-12-31T00:00",
        "#ff0000",
        "5px",
        "5%",
        "7",
        "-1",
        "0.5",
        "1e3",
        "1040",
        "https://example.com/a",
        "http://a.jp",
        "tel:1",
        "myapp://a",
        "https://a.jp/早",
        "LINE",
    ];
    let lengths = [
        13, 21, 31, 41, 61, 101, 301, 401, 1001, 1501, 2001, 5001, 31_000,
    ];
    prop_oneof![
        select(words.to_vec()).prop_map(str::to_owned),
        select(lengths.to_vec()).prop_map(|n| "x".repeat(n)),
        select(lengths.to_vec()).prop_map(|n| "早".repeat(n / 2)),
    ]
}

/// Renders `value` as a template compiler does, and collects the fields' fragments.
fn render(
    value: &Value,
    at: &str,
    row: &str,
    rules: &MessageRules,
    fragments: &mut Vec<(usize, String)>,
) -> String {
    let mut inside = |value: &Value, at: String| render(value, &at, row, rules, fragments);
    match value {
        Value::String(text) if prefix(text).is_some() => {
            let index = rules
                .fields()
                .iter()
                .position(|field| field.property() == at);
            let index = index.unwrap_or_else(|| panic!("{at} is a template without a rule"));
            let text = text.replace(COLUMN, row);
            let json = match rules.fields()[index].form() {
                FieldForm::Text => serde_json::to_string(&text).unwrap(),
                FieldForm::Number => return fragment_of(text, index, fragments),
            };
            fragments.push((index, json[1..json.len() - 1].to_owned()));
            json
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let json: Vec<_> = items
                .map(|(i, item)| inside(item, format!("{at}[{i}]")))
                .collect();
            format!("[{}]", json.join(","))
        }
        Value::Object(object) => {
            let field = |(key, value): (&String, &Value)| {
                let key_json = serde_json::to_string(key).unwrap();
                format!("{key_json}:{}", inside(value, format!("{at}.{key}")))
            };
            format!(
                "{{{}}}",
                object.iter().map(field).collect::<Vec<_>>().join(",")
            )
        }
        plain => plain.to_string(),
    }
}

fn fragment_of(text: String, index: usize, fragments: &mut Vec<(usize, String)>) -> String {
    fragments.push((index, text.clone()));
    text
}

/// The row with `value`: what is found, and its rendered messages.
fn check_row(rules: &MessageRules, message: &Value, value: &str) -> (Result<(), Problem>, String) {
    let mut fragments = Vec::new();
    let tree = Value::Array(vec![message.clone()]);
    let json = render(&tree, "messages", value, rules, &mut fragments);
    assert_eq!(fragments.len(), rules.fields().len());
    let mut row = rules.row();
    let found = fragments
        .iter()
        .try_for_each(|(index, fragment)| row.field(*index, fragment))
        .and_then(|()| row.finish(&json));
    (found, json)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_row_passes_where_its_message_has_no_problem(case in cases()) {
        let messages = [case.message.clone()];
        match MessageRules::compile(&messages, &prefix) {
            Ok(rules) => {
                let (found, json) = check_row(&rules, &case.message, &case.value);
                let expected = serde_json::from_str::<Vec<Value>>(&json).map(|m| problems(&m));
                match expected {
                    Ok(expected) => prop_assert_eq!(
                        found.is_ok(), expected.is_empty(), "{:?} {:?} {}", found, expected, json
                    ),
                    Err(_) => prop_assert!(found.is_err(), "{}", json),
                }
            }
            Err(found) => {
                let fragment = serde_json::to_string(&case.value).unwrap();
                let json = case.message.to_string().replace(COLUMN, fragment.trim_matches('"'));
                if let Ok(message) = serde_json::from_str(&json) {
                    prop_assert!(!problems(&[message]).is_empty(), "{:?} {}", found, json);
                }
            }
        }
    }
}

#[test]
fn what_no_row_can_change_is_found_before_the_rows() {
    for (message, property) in [
        (
            r#"{"type":"image","originalContentUrl":"http://a/<column>"}"#,
            "originalContentUrl",
        ),
        (
            r#"{"type":"image","originalContentUrl":"<column>"}"#,
            "previewImageUrl",
        ),
        (
            r#"{"type":"flex","altText":"<column>","contents":{"type":"box"}}"#,
            "contents.type",
        ),
    ] {
        let message = serde_json::from_str(message).unwrap();
        let found = MessageRules::compile(&[message], &prefix).unwrap_err();
        assert_eq!(found[0].property, format!("messages[0].{property}"));
    }
}

#[test]
fn a_template_in_a_numbers_place_makes_a_number() {
    let message = r#"{
        "type": "location", "title": "a", "address": "b",
        "latitude": "<column>", "longitude": "<column>"
    }"#;
    let message = serde_json::from_str(message).unwrap();
    let rules = MessageRules::compile(&[message], &prefix).unwrap();
    for field in rules.fields() {
        assert_eq!(field.form(), FieldForm::Number, "{}", field.property());
    }
    for (value, fits) in [
        ("25.03", true),
        ("-90", true),
        ("91", false),
        ("", false),
        (" 1", false),
        ("1,5", false),
        ("NaN", false),
        ("\"1\"", false),
    ] {
        assert_eq!(rules.row().field(0, value).is_ok(), fits, "{value}");
    }
}

/// Checks the row with `value` in the message's only template, against [`problems`] too.
fn is_taken(message: &Value, value: &str) -> bool {
    let rules = MessageRules::compile(std::slice::from_ref(message), &prefix).unwrap();
    let (found, json) = check_row(&rules, message, value);
    let whole = problems(&serde_json::from_str::<Vec<_>>(&json).unwrap());
    assert_eq!(
        found.is_ok(),
        whole.is_empty(),
        "{value}: {found:?} {whole:?}"
    );
    found.is_ok()
}

#[test]
fn a_rule_over_several_fields_is_checked_in_each_row() {
    for (name, at, good_value, bad_value) in [
        ("text", "/text", "$ hi", "hi $"),
        ("text", "/emojis/0/index", "0", "1"),
        (
            "text",
            "/quickReply/items/3/action/mode",
            "datetime",
            "date",
        ),
        (
            "text",
            "/quickReply/items/3/action/min",
            "2017-12-31T00:00",
            "2018-12-31T00:00",
        ),
        (
            "text",
            "/quickReply/items/3/action/max",
            "2017-12-31T00:00",
            "2016-12-31T00:00",
        ),
        (
            "text",
            "/quickReply/items/4/action/type",
            "cameraRoll",
            "richmenuswitch",
        ),
        ("textV2", "/text", "{laugh}", "{cry}"),
        ("textV2", "/substitution/laugh/type", "emoji", "mention"),
        ("sticker", "/type", "sticker", "image"),
        ("buttons", "/template/text", "a", &"x".repeat(61)),
        ("bubble", "/contents/size", "giga", "micro"),
        ("bubble", "/contents/body/layout", "horizontal", "baseline"),
        (
            "bubble",
            "/contents/body/contents/0/text",
            "a",
            &"x".repeat(31_000),
        ),
        ("bubbles", "/contents/contents/1/size", "mega", "nano"),
    ] {
        let mut message = good()[name].clone();
        *message.pointer_mut(at).unwrap() = COLUMN.into();
        assert!(is_taken(&message, good_value), "{name} {at}");
        assert!(!is_taken(&message, bad_value), "{name} {at}");
    }
}

#[test]
fn an_error_of_a_row_holds_no_value() {
    for (message, value) in [
        (
            r#"{"type":"text","text":"<column>"}"#,
            "secret".repeat(1_000),
        ),
        (r#"{"type":"textV2","text":"<column>"}"#, "{secret}".into()),
        (r#"{"type":"<column>"}"#, "secret".into()),
        (
            r#"{"type":"sticker","packageId":"<column>","stickerId":"1"}"#,
            "secret".into(),
        ),
        (
            r#"{"type":"video","originalContentUrl":"<column>","previewImageUrl":"https://a.jp"}"#,
            "secret".into(),
        ),
    ] {
        let json = message.replace(COLUMN, &value);
        let message = serde_json::from_str(message).unwrap();
        let rules = MessageRules::compile(&[message], &prefix).unwrap();
        let mut row = rules.row();
        let found = row
            .field(0, &value)
            .and_then(|()| row.finish(&format!("[{json}]")));
        let problem = found.unwrap_err();
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
    }
}
