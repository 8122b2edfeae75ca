//! Deliveries without an outcome: the last receive, and the end of their time.

use serde_json::json;

use crate::scripted::{Scripted, said};
use crate::support::{World, delivery, delivery_with, departures_for, failures, in_seconds, user};

#[tokio::test]
async fn at_its_last_receive_a_delivery_without_an_answer_is_set_aside_with_its_reason() {
    let line = Scripted::start(|_| said(503, r#"{"message":"down"}"#)).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", &line.url),
            ("MAX_RECEIVE_COUNT", "2"),
            ("RETRY_BASE_SECONDS", "0"),
        ])
        .await;
    let body = delivery(&[user(1)]);
    let one = std::slice::from_ref(&body);
    assert_eq!(failures(&world.handle(&consumer, one).await).len(), 1);
    let batch = world.batch().await;
    let handled = consumer.handle(batch, departures_for(1)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].body, body);
    for (name, value) in [
        ("reason", "unknown"),
        ("status", "503"),
        ("line_message", "down"),
        ("receive_count", "2"),
    ] {
        assert_eq!(letters[0].attribute(name), value);
    }
}

#[tokio::test]
async fn what_can_not_be_tried_again_before_it_expires_is_expired_at_once() {
    let line = Scripted::start(|_| said(503, "")).await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let body = delivery_with(&[user(1)], |body| body["expires_at"] = json!(in_seconds(2)));
    let handled = world.handle(&consumer, &[body]).await;
    assert!(failures(&handled).is_empty());
    assert!(line.asked().len() <= 1, "it does not spin");
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("reason"), "expired");
    assert!(!letters[0].attribute("line_message").is_empty());
}
