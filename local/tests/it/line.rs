//! The simulated LINE's answers, held against the tables of LINE's documents.

use std::time::Duration;

use fanline_local::{LineOptions, UnknownInMulticast};
use reqwest::Method;
use serde_json::{Value, json};

use crate::line_support::{KEY, status_and_body, text, user, users, world};

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

#[tokio::test]
async fn a_multicast_sent_twice_with_its_key_has_no_messages_in_its_409() {
    let world = world(LineOptions::default()).await;
    let body = json!({"to": users(3), "messages": text("hi")});
    let send = || {
        world
            .send("multicast", &body)
            .header("x-line-retry-key", KEY)
    };
    assert_eq!(status_and_body(send()).await, (200, json!({})));
    assert_eq!(
        status_and_body(send()).await,
        (409, message("The retry key is already accepted"))
    );
    assert_eq!(world.line.ledger().accepted_recipients, 3);
}

#[tokio::test]
async fn a_retry_key_must_be_a_uuid_and_only_sends_may_carry_one() {
    let world = world(LineOptions::default()).await;
    let malformed = message("The value for the 'X-Line-Retry-Key' header is invalid");
    let push = json!({"to": user(1), "messages": text("hi")});
    for key in ["", "x", "123e4567e89b12d3a456426614174000", "早安"] {
        let request = world
            .send("push", &push)
            .header("x-line-retry-key", key.as_bytes());
        assert_eq!(
            status_and_body(request).await,
            (400, malformed.clone()),
            "{key}"
        );
    }
    let upper = world
        .send("push", &push)
        .header("x-line-retry-key", KEY.to_uppercase());
    assert_eq!(status_and_body(upper).await.0, 200);
    let lower = world.send("push", &push).header("x-line-retry-key", KEY);
    assert_eq!(status_and_body(lower).await.0, 409);
    let validate = json!({"messages": text("hi")});
    let request = world
        .send("validate/push", &validate)
        .header("x-line-retry-key", KEY);
    assert_eq!(status_and_body(request).await.0, 400);
    let request = world
        .request(Method::GET, "/v2/bot/message/quota")
        .bearer_auth("t");
    assert_eq!(
        status_and_body(request.header("x-line-retry-key", KEY))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_too_long_or_of_another_type_is_refused() {
    let world = world(LineOptions::default()).await;
    let push = || world.post("/v2/bot/message/push");
    for (body, place) in [
        ("", "line: 1, column: 0"),
        ("{", "line: 1, column: 1"),
        ("{\n  nope", "line: 2, column: 3"),
        ("null", "line: 1, column: 4"),
    ] {
        let request = push()
            .header("content-type", "application/json; charset=UTF-8")
            .body(body);
        let expected = message(&format!(
            "The request body could not be parsed as JSON ({place})"
        ));
        assert_eq!(status_and_body(request).await, (400, expected), "{body}");
    }
    let plain = push().header("content-type", "text/plain").body("{}");
    let expected = message("The content type, text/plain, is not supported");
    assert_eq!(status_and_body(plain).await, (415, expected));
    let padding = " ".repeat(2_000_001);
    let large = push()
        .header("content-type", "application/json")
        .body(padding);
    assert_eq!(
        status_and_body(large).await,
        (413, message("Request exceeds the max size of 2MB"))
    );
    assert_eq!(world.line.ledger().accepted_requests, 0);
}

#[tokio::test]
async fn an_answer_without_a_valid_token_is_401_everywhere() {
    let world = world(LineOptions {
        tokens: [("good".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    let refusal = message(
        "Authentication failed. Confirm that the access token in the authorization header is valid.",
    );
    for (method, path) in [
        (Method::POST, "/v2/bot/message/push"),
        (Method::POST, "/v2/bot/message/multicast"),
        (Method::POST, "/v2/bot/message/validate/push"),
        (Method::GET, "/v2/bot/message/quota"),
        (Method::GET, "/v2/bot/message/quota/consumption"),
    ] {
        for authorization in [
            None,
            Some("Bearer "),
            Some("Bearer bad"),
            Some("Basic good"),
            Some("good"),
        ] {
            let mut request = world.request(method.clone(), path);
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            assert_eq!(
                status_and_body(request).await,
                (401, refusal.clone()),
                "{path}"
            );
        }
    }
    let good = world
        .request(Method::GET, "/v2/bot/message/quota")
        .bearer_auth("good");
    assert_eq!(status_and_body(good).await, (200, json!({"type": "none"})));
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let world = world(LineOptions::default()).await;
    let mut seen = std::collections::HashSet::new();
    for request in [
        world.send("push", &json!({"to": user(1), "messages": text("hi")})),
        world.send("push", &json!({})),
        world.request(Method::GET, "/v2/bot/message/quota"),
        world.post("/api/notify").form(&[("message", "hi")]),
    ] {
        let response = request.send().await.unwrap();
        assert!(seen.insert(response.headers()["x-line-request-id"].clone()));
    }
}

#[tokio::test]
async fn blocked_users_are_accepted_and_get_nothing_and_cost_nothing() {
    let world = world(LineOptions {
        blocked: [user(1)].into(),
        monthly_quota: Some(10),
        ..LineOptions::default()
    })
    .await;
    let push = world.send("push", &json!({"to": user(1), "messages": text("hi")}));
    assert_eq!(status_and_body(push).await.0, 200);
    let multicast = world.send(
        "multicast",
        &json!({"to": users(3), "messages": text("hi")}),
    );
    assert_eq!(status_and_body(multicast).await.0, 200);
    assert_eq!(world.line.receipts(&user(1)), []);
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.not_delivered), (2, 2));
    assert_eq!(
        world.get("/v2/bot/message/quota/consumption").await,
        json!({"totalUsage": 2})
    );
}

#[tokio::test]
async fn a_multicast_with_an_unknown_user_is_answered_as_the_options_say() {
    let world = world(LineOptions {
        unknown: [user(1)].into(),
        ..LineOptions::default()
    })
    .await;
    let send = || {
        world.send(
            "multicast",
            &json!({"to": users(3), "messages": text("hi")}),
        )
    };
    assert_eq!(
        status_and_body(send()).await,
        (400, message("Failed to send messages"))
    );
    assert_eq!(world.line.ledger().accepted_recipients, 0);
    world
        .line
        .change(|options| options.unknown_in_multicast = UnknownInMulticast::Skip);
    assert_eq!(status_and_body(send()).await, (200, json!({})));
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.not_delivered), (2, 1));
}
