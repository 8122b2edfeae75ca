//! Messages from a campaign to a row's JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::engine::engine;
use super::*;
use crate::list::JsonRow;

mod columns;
mod rules;

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

fn compile(messages: Value) -> MessageTemplate {
    MessageTemplate::compile(Channel::Line, messages).unwrap()
}

/// The end of the sentence about the one field that can't be used.
fn problem(messages: Value) -> String {
    match MessageTemplate::compile(Channel::Line, messages).unwrap_err() {
        TemplateError::Field { field, problem } => format!("`{field}` {problem}"),
        TemplateError::Refused(problems) => problems[0].to_string(),
    }
}

fn render(template: &MessageTemplate, row: &Value) -> Result<Value, RowError> {
    let mut json = String::from("before");
    let row = JsonRow::parse(&row.to_string()).unwrap();
    template.render(&Row::Json(&row), &mut json)?;
    Ok(serde_json::from_str(json.strip_prefix("before").unwrap()).unwrap())
}

/// The text that a row gets, or why it gets none.
fn rendered(source: &str, row: &Value) -> String {
    match render(&compile(text(source)), row) {
        Ok(messages) => messages[0]["text"].as_str().unwrap().to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn header(list: &str) -> Header {
    let mut reader = crate::list::ListReader::new(crate::list::Format::Csv);
    assert!(reader.read_header(&mut list.as_bytes(), true).unwrap());
    reader.header().cloned().unwrap()
}

#[test]
fn a_loop_that_runs_too_often_refuses_the_template_or_the_row() {
    let row = json!({"name": "a"});
    let often = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    assert!(problem(text(often)).ends_with(TOO_MANY_STEPS));
    let with_a_column = format!("{often}{{{{ name }}}}");
    assert!(rendered(&with_a_column, &row).ends_with(TOO_MANY_STEPS));
    let letters = "{% for a in range(5000) %}{{ name }}{% endfor %}";
    assert_eq!(rendered(letters, &row), "a".repeat(5000));
}

#[test]
fn every_string_of_a_message_may_be_a_template() {
    let button = json!({"type": "uri", "label": "{{ name }}", "uri": "https://x.jp/?c={{code}}"});
    let body = json!({"type": "box", "layout": "vertical", "contents": [
        {"type": "text", "text": "{{ name }}", "flex": 1},
        {"type": "button", "action": button},
    ]});
    let flex = json!({"type": "flex", "altText": "Hi {{ name }}", "contents": {
        "type": "bubble", "body": body,
    }});
    let template = compile(json!([flex]));
    let filled = flex
        .to_string()
        .replace("{{ name }}", "\\\"小明\\\"\\n")
        .replace("{{code}}", "7");
    assert_eq!(
        render(&template, &json!({"name": "\"小明\"\n", "code": 7})).unwrap(),
        json!([serde_json::from_str::<Value>(&filled).unwrap()])
    );
}

#[test]
fn the_text_is_as_it_is_written() {
    for (source, expected) in [
        ("Hi {{ name }}\n\n", "Hi Ann\n\n"),
        ("Hi {{ name | upper }}\n", "Hi ANN\n"),
        ("Hi {{ name }}\r\n", "Hi Ann\r\n"),
        ("Hi {{ 'you' }}\n\n", "Hi you\n\n"),
        ("Hi\n\n", "Hi\n\n"),
        ("{% if name %}\n{{ name }}\n{% endif %}\n", "\nAnn\n\n"),
        ("a {{- name -}} b", "aAnnb"),
    ] {
        assert_eq!(
            rendered(source, &json!({"name": "Ann"})),
            expected,
            "{source:?}"
        );
    }
}

#[test]
fn a_value_that_is_missing_rejects_the_row_unless_the_template_says_otherwise() {
    for source in [
        "Hi {{ name }}",
        "Hi {{ name | upper }}",
        "Hi {{ name ~ '!' }}",
        "{% if name %}x{% endif %}",
        "{{ row['name'] }}",
        "{{ row['name']|upper }}",
        "{{ name|datetimeformat }}",
        "{{ range }}{{ name }}",
    ] {
        for row in [json!({"range": "1"}), json!({"name": null, "range": "1"})] {
            assert_eq!(
                rendered(source, &row),
                "error: has no `name`",
                "{source} {row}"
            );
        }
    }
    let null = json!({"name": null});
    assert_eq!(rendered("{{ name|default('you') }}", &null), "you");
    assert_eq!(
        rendered("{{ 'a' if name is defined else 'b' }}", &null),
        "b"
    );
}

#[test]
fn a_value_that_is_no_text_is_written_as_people_do_or_not_at_all() {
    let row = json!({"yes": true, "n": 1.5, "tags": ["a", true], "home": {"city": "台北"}});
    let list = "error: `messages[0].text` puts in a list";
    for (source, expected) in [
        ("{{ yes }}", "true"),
        ("{{ yes }}{% if yes %}!{% endif %}", "true!"),
        ("{{ yes ~ '!' }}", "true!"),
        (
            "{% if yes %}{{ yes ~ '!' }}{% endif %}",
            "error: `messages[0].text` joins `true`",
        ),
        ("{{ n }} {{ n ~ '' }}", "1.5 1.5"),
        ("{{ tags }}", list),
        ("{{ tags|reverse }}", list),
        ("{{ 'a' ~ tags }}", list),
        ("{{ tags|join('/') }}", "a/true"),
        ("{{ tags|tojson }}", r#"["a",true]"#),
        ("{{ home.city }} {{ row.home.city }}", "台北 台北"),
        ("{{ home }}", "error: `messages[0].text` puts in an object"),
        (
            "{{ home.street }}",
            "error: `messages[0].text` uses a value that the row lacks",
        ),
        (
            "{{ '2026-12-25'|datetimeformat(yes) }}",
            "error: `messages[0].text` can't be rendered",
        ),
        (
            "{{ n|datetimeformat }}",
            "error: `messages[0].text` puts in a date",
        ),
    ] {
        let found = rendered(source, &row);
        assert!(found.starts_with(expected), "{source}\n{found}");
    }
}

#[test]
fn a_text_that_holds_the_marks_of_the_compiler_is_a_text() {
    let template = compile(json!([
        {"type": "text", "text": "\u{0}0"},
        {"type": "text", "text": "{{ name }}\u{0}\u{0}1"},
        {"type": "text", "text": "{{ '{{ name }}' }}"},
    ]));
    let messages = render(&template, &json!({"name": "Ann"})).unwrap();
    assert_eq!(messages[0]["text"], "\u{0}0");
    assert_eq!(messages[1]["text"], "Ann\u{0}\u{0}1");
    assert_eq!(messages[2]["text"], "{{ name }}");
}

fn any_column() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{{ a }}",
        "{{b}}",
        "{{  a}}",
        "{{ row['a'] }}",
        "{{ row.b -}}",
        "{{- a }}",
        "{# c #}",
    ])
}

proptest! {
    /// Otherwise a template would change its meaning when it gets a filter.
    #[test]
    fn columns_in_text_are_filled_as_the_engine_renders_them(
        texts in prop::collection::vec("[a-z}%#早\"\\\\\r\n -]{0,5}", 1..4),
        columns in prop::collection::vec(any_column(), 0..4),
        a in "\\PC{0,4}", b in "[\"\\\\\u{fffe}\n a-z]{0,4}",
    ) {
        let mut source = String::from("x");
        for (text, column) in texts.iter().zip(columns.iter().chain([&""; 4])) {
            source.push_str(text);
            source.push_str(column);
        }
        let row = json!({"a": a, "b": b, "row": {"a": a, "b": b}});
        let context: minijinja::Value = minijinja::value::Serde(&row).into();
        let expected = engine().render_str(&source, context).unwrap();
        let template = compile(text(&source));
        prop_assert!(template.compiled.texts().all(|text| text.pieces.is_some()));
        let messages = render(&template, &row).unwrap();
        prop_assert_eq!(messages[0]["text"].as_str(), Some(&*expected));
    }

    /// No template ends in a panic, and what is rendered is what LINE takes.
    #[test]
    fn any_template_is_an_error_or_makes_messages_that_line_takes(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..8),
        value in "[a{}<\"\\\\ ]{0,6}",
    ) {
        let source = pieces.concat();
        for kind in ["text", "textV2"] {
            let messages = json!([{"type": kind, "text": source}]);
            let Ok(template) = MessageTemplate::compile(Channel::Line, messages) else {
                continue;
            };
            for row in [json!({"a": value, "b c": value}), json!({"a": true}), json!({})] {
                if let Ok(messages) = render(&template, &row) {
                    let messages = messages.as_array().unwrap();
                    prop_assert_eq!(crate::line_message::problems(messages), vec![]);
                }
            }
        }
    }
}

const PIECES: [&str; 24] = [
    "{{ a }}",
    "{{ row['b c'] }}",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    " a ",
    "'",
    "\"",
    "|upper",
    "|replace('a')",
    "{% if a %}",
    "{% else %}",
    "{% endif %}",
    "{% set a = 1 %}",
    "\n",
    "早 ",
    "{{ a ~ a }}",
    "{{ a[1:] }}",
    "{% for x in a %}",
    "{% endfor %}",
    "{{ loop.index }}",
];

#[test]
fn a_number_is_put_in_as_the_list_writes_it_also_by_the_engine() {
    for (source, text) in [
        ("{{ v }}", "12.50"),
        ("{% if v > 12 %}{{ v }}{% endif %}", "12.50"),
        ("{{ v|default('-') }}", "12.50"),
        ("{{ v|string }} {{ v|upper }}", "12.50 12.50"),
        ("{{ 'NT$' ~ v }}", "NT$12.50"),
        ("{{ row['v'] }}{% if w %}!{% endif %}", "12.50!"),
        ("{{ v * 2 }}", "25.0"),
        ("{{ '%.1f'|format(v) }}", "12.5"),
        ("{% if w %}{{ w }}{% endif %}", "1e5"),
        ("{{ big|default(0) }}", "123456789012345678901234.5"),
    ] {
        let row = r#"{"v":12.50,"w":1e5,"big":123456789012345678901234.5}"#;
        let row = JsonRow::parse(row).unwrap();
        let mut json = String::new();
        let template = compile(self::text(source));
        template.render(&Row::Json(&row), &mut json).unwrap();
        let messages: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(messages[0]["text"], text, "{source}");
    }
}
