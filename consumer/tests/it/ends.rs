//! Deliveries without an outcome: the last receive, the end of their time, and their FIFO group.

use aws_sdk_sqs::types::QueueAttributeName;
use fanline_local::LineOptions;
use serde_json::json;

use crate::scripted::{Scripted, accepted, said};
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

#[tokio::test]
async fn the_head_of_a_fifo_group_ends_at_its_last_receive_and_the_others_are_sent() {
    let line = Scripted::start(|asked| {
        if asked.text().contains(&user(0)) {
            said(500, "")
        } else {
            accepted()
        }
    })
    .await;
    let fifo = [
        (QueueAttributeName::FifoQueue, "true"),
        (QueueAttributeName::ContentBasedDeduplication, "true"),
    ];
    let world = World::with_queue(LineOptions::default(), "deliveries.fifo", &fifo).await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", &line.url), ("MAX_RECEIVE_COUNT", "3")])
        .await;
    for n in 0..10 {
        let request = world.sqs.send_message().queue_url(&world.deliveries);
        let request = request.message_group_id("one");
        let body = delivery(&[user(n)]);
        request.message_body(body).send().await.unwrap();
    }
    for round in 1..=2 {
        let batch = world.batch().await;
        assert_eq!(batch.records.len(), 10, "round {round}");
        let handled = consumer.handle(batch, departures_for(5)).await;
        assert_eq!(failures(&handled).len(), 10);
        assert_eq!(line.asked().len(), round, "only the head is tried");
        // Its wait is eight seconds at most, and all of them have it. The queue's own visibility
        // timeout is 30.
        world.clock.advance(std::time::Duration::from_secs(9));
    }
    let batch = world.batch().await;
    let handled = consumer.handle(batch, departures_for(5)).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(line.asked().len(), 3 + 9);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].attribute("reason"), "unknown");
    assert_eq!(letters[0].recipients(), [user(0)]);
}

#[tokio::test]
async fn a_delivery_of_a_newer_version_comes_again_for_some_receives() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let body = delivery_with(&[user(1)], |body| body["v"] = json!(9));
    world.publish(&body).await;
    for receive in 1..=5 {
        let batch = world.batch().await;
        assert_eq!(batch.records.len(), 1, "receive {receive}");
        let handled = consumer.handle(batch, departures_for(1)).await;
        assert_eq!(failures(&handled).len(), usize::from(receive < 5));
        world.clock.advance(std::time::Duration::from_secs(61));
    }
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("reason"), "undecodable");
    assert_eq!(letters[0].body, body);
}
