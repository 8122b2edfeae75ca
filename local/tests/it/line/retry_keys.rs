//! Retry keys: what a second request with a known key is answered.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::line::support::{KEY, message, status_and_body, text, user, users, world};

#[tokio::test]
async fn a_request_that_comes_again_with_its_key_is_answered_409_and_nobody_gets_it_twice() {
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
        json!({
            "message": "The retry key is already accepted",
            "sentMessages": [{"id": "460000000000000008"}],
        })
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
async fn the_409_of_a_multicast_has_no_sent_messages() {
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
async fn a_retry_key_must_be_a_uuid_and_only_a_send_can_have_one() {
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
