//! What LINE's rules cost in each row of a list, once a campaign is compiled.
//!
//! `cargo bench -p fanline-core --bench line_message`. Each figure is the best of many rounds, in
//! nanoseconds a row.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't go on has failed, and its figures are printed"
)]

use std::hint::black_box;
use std::time::Instant;

use fanline_core::line_message::MessageRules;
use serde_json::{Value, json};

const ROWS: usize = 1_000;

/// How often each measurement is made.
const ROUNDS: usize = 1_000;

fn main() {
    for (name, message) in messages() {
        let messages = [message];
        let prefix = |text: &'_ str| text.find("{{");
        let rules = MessageRules::compile(&messages, &|text| Some(text.split_at(prefix(text)?).0));
        let rules = rules.unwrap();
        let rows: Vec<_> = (0..ROWS).map(|i| rendered(&messages, &rules, i)).collect();
        println!("{name:<30}{:>8.1} ns a row", best(|| check(&rules, &rows)));
    }
}

fn check(rules: &MessageRules, rows: &[(Vec<String>, String)]) {
    for (fields, json) in rows {
        let mut row = rules.row();
        for (i, field) in fields.iter().enumerate() {
            black_box(row.field(i, field)).unwrap();
        }
        black_box(row.finish(json)).unwrap();
    }
}

fn messages() -> Vec<(&'static str, Value)> {
    let text = |text: &str| json!({"type": "text", "text": text});
    let image = json!({
        "type": "image", "originalContentUrl": "https://example.com/{{ code }}.jpg",
        "previewImageUrl": "https://example.com/a.jpg",
    });
    let mut emoji = text("$ Hi {{ name }}");
    emoji["emojis"] = json!([{"index": 0, "productId": "a", "emojiId": "b"}]);
    let mut sized = flex();
    sized["contents"]["size"] = json!("{{ size }}");
    sized["contents"]["hero"] = json!({
        "type": "video", "url": "https://a.jp", "previewUrl": "https://a.jp",
        "altContent": {"type": "image", "url": "https://a.jp"},
    });
    vec![
        ("text, one name", text("Hi {{ name }}, good morning!")),
        (
            "text, a name and 300 letters",
            text("{{ name }}: {{ note }}"),
        ),
        ("text, with a LINE emoji", emoji),
        (
            "textV2, one name",
            json!({"type": "textV2", "text": "Hi {{ name }}"}),
        ),
        ("image, a URL of the row", image),
        ("flex, five fields", flex()),
        ("flex, checked whole in each row", sized),
    ]
}

fn flex() -> Value {
    let action = json!({
        "type": "uri", "label": "Hi {{ name }}", "uri": "https://example.com/?c={{ code }}",
    });
    let contents = json!([
        {"type": "text", "text": "Hi {{ name }}", "wrap": true},
        {"type": "text", "text": "{{ note }}", "wrap": true},
        {"type": "button", "action": action},
    ]);
    let body = json!({"type": "box", "layout": "vertical", "contents": contents});
    let bubble = json!({"type": "bubble", "body": body});
    json!({"type": "flex", "altText": "{{ name }}", "contents": bubble})
}

fn columns(i: usize) -> [(&'static str, String); 4] {
    [
        ("name", format!("小明{i}")),
        ("code", format!("c{i}")),
        ("note", "早安，這是一則給您的訊息。".repeat(23)),
        ("size", "mega".into()),
    ]
}

/// The rendered fields of a row, and its rendered messages.
fn rendered(messages: &[Value], rules: &MessageRules, i: usize) -> (Vec<String>, String) {
    let tree = json!({ "messages": messages });
    let fill = |text: &str| {
        let columns = columns(i);
        columns.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{ {name} }}}}"), value)
        })
    };
    let template = |property: &str| {
        let path = property
            .replace('[', "/")
            .replace(']', "")
            .replace('.', "/");
        tree.pointer(&format!("/{path}")).unwrap().as_str().unwrap()
    };
    let fields = rules.fields().iter();
    let fields = fields.map(|field| fill(template(field.property())));
    (fields.collect(), fill(&json!(messages).to_string()))
}

/// The nanoseconds a row of the best round.
fn best(work: impl Fn()) -> f64 {
    let round = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_nanos() as f64 / ROWS as f64
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}
