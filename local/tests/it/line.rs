//! The simulated LINE's answers, held against the tables of LINE's documents.

use std::time::Duration;

use fanline_local::clock::Clock;
use fanline_local::line::{LineOptions, LineServer};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "123e4567-e89b-12d3-a456-426614174000";

/// A LINE and a client that knows where it is.
pub(crate) struct World {
    pub(crate) line: LineServer,
    pub(crate) clock: Clock,
    client: reqwest::Client,
}

pub(crate) async fn world(options: LineOptions) -> World {
    let clock = Clock::manual("2026-12-25T08:00:00Z".parse().unwrap());
    let options = LineOptions {
        clock: clock.clone(),
        ..options
    };
    World {
        line: LineServer::start(options).await.unwrap(),
        clock,
        client: reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap(),
    }
}

impl World {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.line.url()))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth("a-token")
    }

    pub(crate) fn send(&self, endpoint: &str, body: &Value) -> RequestBuilder {
        self.post(&format!("/v2/bot/message/{endpoint}")).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.request(Method::GET, path).bearer_auth("a-token");
        request.send().await.unwrap().json().await.unwrap()
    }
}

pub(crate) fn user(n: u32) -> String {
    format!("U{n:032x}")
}

pub(crate) fn users(n: u32) -> Vec<String> {
    (0..n).map(user).collect()
}

pub(crate) fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

pub(crate) async fn status_and_body(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn details(found: &[(&str, &str)]) -> Value {
    let details: Vec<_> = found
        .iter()
        .map(|(property, message)| json!({"message": message, "property": property}))
        .collect();
    json!({"message": format!("The request body has {} error(s)", found.len()), "details": details})
}

fn message(text: &str) -> Value {
    json!({ "message": text })
}

fn invalid(property: &str) -> Value {
    message(&format!(
        "The property, {property}, in the request body is invalid (line: -, column: -)"
    ))
}

#[expect(clippy::too_many_lines, reason = "one whole table")]
#[tokio::test]
async fn every_send_request_gets_the_status_and_body_that_line_gives() {
    let world = world(LineOptions {
        unknown: [user(9404)].into(),
        ..LineOptions::default()
    })
    .await;
    let group = user(1).replace('U', "C");
    let six: Vec<_> = vec![json!({"type": "text", "text": "hi"}); 6];
    let table: Vec<(&str, Value, u16, Value)> = vec![
        (
            "push",
            json!({"to": user(1), "messages": text("hi")}),
            200,
            json!({"sentMessages": [{"id": "460000000000000008"}]}),
        ),
        (
            "push",
            json!({"to": group, "messages": text("hi")}),
            200,
            json!({"sentMessages": [{"id": "460000000000000016"}]}),
        ),
        (
            "push",
            json!({"to": user(1), "messages": text("hi"), "notificationDisabled": true, "customAggregationUnits": ["promo_a"], "later": 1}),
            200,
            json!({"sentMessages": [{"id": "460000000000000024"}]}),
        ),
        (
            "multicast",
            json!({"to": users(500), "messages": text("hi")}),
            200,
            json!({}),
        ),
        (
            "multicast",
            json!({"to": users(1), "messages": text("hi")}),
            200,
            json!({}),
        ),
        (
            "validate/push",
            json!({"messages": text("hi")}),
            200,
            json!({}),
        ),
        (
            "validate/multicast",
            json!({"messages": text("hi"), "to": "nobody"}),
            200,
            json!({}),
        ),
        (
            "push",
            json!({"messages": text("hi")}),
            400,
            details(&[("to", "May not be empty")]),
        ),
        (
            "push",
            json!({"to": user(0xab).to_uppercase(), "messages": text("hi")}),
            400,
            invalid("'to'"),
        ),
        (
            "push",
            json!({"to": "Uabc", "messages": text("hi")}),
            400,
            invalid("'to'"),
        ),
        (
            "push",
            json!({"to": [user(1)], "messages": text("hi")}),
            400,
            invalid("'to'"),
        ),
        (
            "push",
            json!({"to": user(9404), "messages": text("hi")}),
            400,
            message("Failed to send messages"),
        ),
        (
            "multicast",
            json!({"to": users(501), "messages": text("hi")}),
            400,
            details(&[("to", "Size must be between 1 and 500")]),
        ),
        (
            "multicast",
            json!({"to": [], "messages": text("hi")}),
            400,
            details(&[("to", "Size must be between 1 and 500")]),
        ),
        (
            "multicast",
            json!({"to": user(1), "messages": text("hi")}),
            400,
            invalid("to"),
        ),
        (
            "multicast",
            json!({"to": [user(1), group], "messages": text("hi")}),
            400,
            invalid("to[1]"),
        ),
        (
            "multicast",
            json!({"to": [user(1), user(2), 7], "messages": text("hi")}),
            400,
            invalid("to[2]"),
        ),
        (
            "multicast",
            json!({"to": [user(1), user(9404)], "messages": text("hi")}),
            400,
            message("Failed to send messages"),
        ),
        (
            "push",
            json!({"to": user(1)}),
            400,
            details(&[("messages", "May not be empty")]),
        ),
        (
            "push",
            json!({"to": user(1), "messages": "hi"}),
            400,
            invalid("messages"),
        ),
        (
            "push",
            json!({"to": user(1), "messages": []}),
            400,
            details(&[("messages", "Size must be between 1 and 5")]),
        ),
        (
            "validate/push",
            json!({"messages": six}),
            400,
            details(&[("messages", "Size must be between 1 and 5")]),
        ),
        (
            "push",
            json!({"to": user(1), "messages": text("")}),
            400,
            details(&[("messages[0].text", "May not be empty")]),
        ),
        (
            "push",
            json!({"messages": text("")}),
            400,
            details(&[
                ("to", "May not be empty"),
                ("messages[0].text", "May not be empty"),
            ]),
        ),
        (
            "validate/push",
            json!({"messages": text(&"x".repeat(5001))}),
            400,
            details(&[("messages[0].text", "Length must be between 0 and 5000")]),
        ),
        (
            "push",
            json!({"to": user(1), "messages": text("hi"), "notificationDisabled": "yes"}),
            400,
            invalid("notificationDisabled"),
        ),
        (
            "push",
            json!({"to": user(1), "messages": text("hi"), "customAggregationUnits": ["a-b"]}),
            400,
            invalid("customAggregationUnits[0]"),
        ),
        (
            "multicast",
            json!({"to": users(1), "messages": text("hi"), "customAggregationUnits": ["a", "b"]}),
            400,
            details(&[("customAggregationUnits", "Size must be between 0 and 1")]),
        ),
        (
            "push",
            json!([]),
            400,
            message("The request body could not be parsed as JSON (line: 1, column: 2)"),
        ),
        (
            "push/",
            json!({"to": user(1), "messages": text("hi")}),
            404,
            message("Not found"),
        ),
    ];
    for (endpoint, body, status, answer) in table {
        let got = status_and_body(world.send(endpoint, &body)).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(got, (status, answer), "{endpoint} {shown}");
    }
}

#[tokio::test]
async fn a_request_sent_twice_with_its_key_is_answered_409_and_reaches_nobody_twice() {
    let world = world(LineOptions::default()).await;
    let body = json!({"to": user(1), "messages": text("hi")});
    let send = || world.send("push", &body).header("x-line-retry-key", KEY);
    let first = send().send().await.unwrap();
    assert_eq!(first.status(), 200);
    let first_id = first.headers()["x-line-request-id"].clone();
    let second = send().send().await.unwrap();
    assert_eq!(second.status(), 409);
    assert_eq!(second.headers()["x-line-accepted-request-id"], first_id);
    assert_ne!(second.headers()["x-line-request-id"], first_id);
    assert_eq!(
        second.json::<Value>().await.unwrap(),
        json!({"message": "The retry key is already accepted", "sentMessages": [{"id": "460000000000000008"}]})
    );
    let ledger = world.line.ledger();
    assert_eq!(
        (ledger.accepted_recipients, ledger.already_accepted),
        (1, 1)
    );
    assert_eq!(ledger.duplicates, 0);
    assert_eq!(world.line.receipts(&user(1)).len(), 1);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(send().send().await.unwrap().status(), 200);
    assert_eq!(world.line.ledger().duplicates, 1);
    assert_eq!(
        world.get(&format!("/_ledger/recipients/{}", user(1))).await[1]["retry_key"],
        KEY
    );
}
