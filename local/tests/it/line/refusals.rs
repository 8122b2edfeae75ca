//! Requests that are refused before their content is read, and the request id of every answer.

use std::collections::HashSet;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::json;

use crate::line::support::{message, status_and_body, text, user, world};

#[tokio::test]
async fn a_body_that_is_not_json_or_too_long_or_of_another_type_is_refused() {
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
async fn a_request_without_a_valid_token_is_answered_401_on_every_path() {
    let world = world(LineOptions {
        tokens: [("good".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    let refusal = message(
        "Authentication failed. Confirm that the access token in the authorization header is \
         valid.",
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
async fn each_answer_has_a_different_request_id() {
    let world = world(LineOptions::default()).await;
    let mut seen = HashSet::new();
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
