//! Push, multicast and validate requests, and the answers that LINE documents for them.

use fanline_local::LineOptions;
use serde_json::{Value, json};

use crate::line::support::{World, message, status_and_body, text, user, users, world};

/// The body of a 400 for these properties, each with its message.
fn details(found: &[(&str, &str)]) -> Value {
    let details: Vec<_> = found
        .iter()
        .map(|(property, message)| json!({"message": message, "property": property}))
        .collect();
    json!({"message": format!("The request body has {} error(s)", found.len()), "details": details})
}

/// The body of a 400 for a property that can't be read.
fn invalid(property: &str) -> Value {
    message(&format!(
        "The property, {property}, in the request body is invalid (line: -, column: -)"
    ))
}

/// Sends each body to its endpoint and compares status and body of the answer.
async fn expect_answers(world: &World, status: u16, table: Vec<(&str, Value, Value)>) {
    for (endpoint, body, answer) in table {
        let got = status_and_body(world.send(endpoint, &body)).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(got, (status, answer), "{endpoint} {shown}");
    }
}

fn group(n: u32) -> String {
    user(n).replace('U', "C")
}

fn sent(id: &str) -> Value {
    json!({"sentMessages": [{ "id": id }]})
}

#[tokio::test]
async fn a_good_request_is_accepted() {
    let world = world(LineOptions::default()).await;
    let hi = text("hi");
    let with_options = json!({
        "to": user(1), "messages": hi, "notificationDisabled": true,
        "customAggregationUnits": ["promo_a"], "later": 1,
    });
    let table = vec![
        (
            "push",
            json!({"to": user(1), "messages": hi}),
            sent("460000000000000008"),
        ),
        (
            "push",
            json!({"to": group(1), "messages": hi}),
            sent("460000000000000016"),
        ),
        ("push", with_options, sent("460000000000000024")),
        (
            "multicast",
            json!({"to": users(500), "messages": hi}),
            json!({}),
        ),
        (
            "multicast",
            json!({"to": users(1), "messages": hi}),
            json!({}),
        ),
        ("validate/push", json!({"messages": hi}), json!({})),
        (
            "validate/multicast",
            json!({"messages": hi, "to": "nobody"}),
            json!({}),
        ),
    ];
    expect_answers(&world, 200, table).await;
}

#[tokio::test]
async fn a_request_to_nobody_or_to_a_bad_id_is_refused() {
    let world = world(LineOptions {
        unknown: [user(9404)].into(),
        ..LineOptions::default()
    })
    .await;
    let to = |to: Value| json!({"to": to, "messages": text("hi")});
    let size = || details(&[("to", "Size must be between 1 and 500")]);
    let failed = || message("Failed to send messages");
    let table = vec![
        (
            "push",
            json!({"messages": text("hi")}),
            details(&[("to", "May not be empty")]),
        ),
        (
            "push",
            to(json!(user(0xab).to_uppercase())),
            invalid("'to'"),
        ),
        ("push", to(json!("Uabc")), invalid("'to'")),
        ("push", to(json!([user(1)])), invalid("'to'")),
        ("push", to(json!(user(9404))), failed()),
        ("multicast", to(json!(users(501))), size()),
        ("multicast", to(json!([])), size()),
        ("multicast", to(json!(user(1))), invalid("to")),
        (
            "multicast",
            to(json!([user(1), group(1)])),
            invalid("to[1]"),
        ),
        (
            "multicast",
            to(json!([user(1), user(2), 7])),
            invalid("to[2]"),
        ),
        ("multicast", to(json!([user(1), user(9404)])), failed()),
    ];
    expect_answers(&world, 400, table).await;
}

#[tokio::test]
async fn messages_that_line_refuses_are_refused() {
    let world = world(LineOptions::default()).await;
    let push = |messages: Value| json!({"to": user(1), "messages": messages});
    let size = || details(&[("messages", "Size must be between 1 and 5")]);
    let six = vec![json!({"type": "text", "text": "hi"}); 6];
    let empty_text = ("messages[0].text", "May not be empty");
    let table = vec![
        (
            "push",
            json!({"to": user(1)}),
            details(&[("messages", "May not be empty")]),
        ),
        ("push", push(json!("hi")), invalid("messages")),
        ("push", push(json!([])), size()),
        ("validate/push", json!({"messages": six}), size()),
        ("push", push(text("")), details(&[empty_text])),
        (
            "push",
            json!({"messages": text("")}),
            details(&[("to", "May not be empty"), empty_text]),
        ),
        (
            "validate/push",
            json!({"messages": text(&"x".repeat(5001))}),
            details(&[("messages[0].text", "Length must be between 0 and 5000")]),
        ),
    ];
    expect_answers(&world, 400, table).await;
}

#[tokio::test]
async fn a_bad_option_a_bad_body_and_an_unknown_path_are_refused() {
    let world = world(LineOptions::default()).await;
    let push = |name: &str, value: Value| {
        let mut body = json!({"to": user(1), "messages": text("hi")});
        body[name] = value;
        body
    };
    let units = "customAggregationUnits";
    let not_an_object = "The request body could not be parsed as JSON (line: 1, column: 2)";
    let table = vec![
        (
            "push",
            push("notificationDisabled", json!("yes")),
            invalid("notificationDisabled"),
        ),
        (
            "push",
            push(units, json!(["a-b"])),
            invalid("customAggregationUnits[0]"),
        ),
        (
            "push",
            push(units, json!(["a", "b"])),
            details(&[(units, "Size must be between 0 and 1")]),
        ),
        ("push", json!([]), message(not_an_object)),
    ];
    expect_answers(&world, 400, table).await;
    let unknown = vec![("push/", json!({}), message("Not found"))];
    expect_answers(&world, 404, unknown).await;
}
