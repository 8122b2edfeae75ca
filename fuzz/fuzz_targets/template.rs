//! A message of any text is a template or an error, and a row is rendered to JSON or rejected.

#![no_main]

use fanline_core::campaign::Campaign;
use fanline_core::list::{JsonRow, Row};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|input: (&str, &str)| {
    let (template, value) = input;
    let campaign = Campaign::from_value(json!({
        "campaign": "c", "channel": "line", "recipients": [{"to": "x"}],
        "messages": [{"type": "text", "text": template}],
    }));
    let Ok(campaign) = campaign else { return };
    let row = json!({"to": "x", "name": value, "n": 1.50}).to_string();
    let row = JsonRow::parse(&row).expect("an object is a row");
    let mut rendered = String::new();
    if campaign
        .messages
        .render(&Row::Json(&row), &mut rendered)
        .is_ok()
    {
        let messages: Value = serde_json::from_str(&rendered).expect("messages are JSON");
        assert!(messages[0]["text"].is_string());
    }
});
