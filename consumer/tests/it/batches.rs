//! The records of one batch: each is settled by itself.

use std::sync::{Arc, Mutex};

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::types::QueueAttributeName;
use fanline_consumer::Settled;
use fanline_core::outcome::Outcome;
use fanline_local::{LineFault, LineOptions};
use serde_json::{Value, json};

use crate::support::{
    World, delivery, delivery_with, event, failures, in_seconds, metrics, receive, user, users,
};

fn parse(event: Value) -> SqsEvent {
    serde_json::from_value(event).unwrap()
}

#[tokio::test]
async fn a_batch_of_good_records_is_acknowledged_and_everybody_has_it_once() {
    let world = World::start().await;
    let seen: Arc<Mutex<Vec<Settled>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let consumer = world
        .consumer()
        .await
        .with_observer(move |settled| kept.lock().unwrap().push(settled.clone()));
    let mut bodies: Vec<String> = (0..9).map(|n| delivery(&[user(n)])).collect();
    bodies.push(delivery(&users(100..400)));
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let ledger = world.line.ledger();
    assert_eq!(
        (ledger.accepted_recipients, ledger.duplicates),
        (309, 0),
        "{ledger:?}"
    );
    assert_eq!(ledger.without_retry_key, 0);
    let metrics = metrics(&handled);
    assert_eq!(metrics["accepted"], 309);
    assert_eq!(metrics["accepted_deliveries"], 10);
    assert!(metrics["run_age"].as_f64().unwrap() >= 0.0);
    let seen = seen.lock().unwrap();
    assert_eq!(
        seen.iter().map(|settled| settled.recipients).sum::<usize>(),
        309
    );
    assert!(
        seen.iter()
            .all(|settled| settled.outcome == Outcome::Accepted)
    );
}

#[tokio::test]
async fn only_the_failed_record_returns_to_the_queue() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    world.line.change(|options| {
        // The seed decides which requests fail. The test needs some, but not all.
        options.faults.rates = [(LineFault::ErrorBefore, 0.4)].into();
    });
    let bodies: Vec<String> = (0..10).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    let ledger = world.line.ledger();
    let hit = ledger.faults.get("error-before").copied().unwrap_or(0);
    assert!((1..10).contains(&hit), "{hit}");
    assert_eq!(failures(&handled).len() as u64, hit);
    assert_eq!(ledger.accepted_recipients, 10 - hit);
    assert_eq!(metrics(&handled)["retry"], hit);
}

#[tokio::test]
async fn a_redelivered_batch_doubles_nobody() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let bodies = [delivery(&[user(1)]), delivery(&users(2..50))];
    for body in &bodies {
        world.publish(body).await;
    }
    let batch = world.batch().await;
    let (one, two) = tokio::join!(
        consumer.handle(batch.clone(), in_seconds(30)),
        consumer.handle(batch.clone(), in_seconds(30)),
    );
    let three = consumer.handle(batch, in_seconds(30)).await;
    for handled in [&one, &two, &three] {
        assert!(failures(handled).is_empty());
    }
    assert_eq!(metrics(&three)["already_accepted"], 49);
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (49, 0));
}

#[tokio::test]
async fn nine_poison_records_are_set_aside_and_the_tenth_is_sent() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let poison = [
        "not json".to_owned(),
        "{}".into(),
        "[]".into(),
        "null".into(),
        r#"{"v":"2","anything":true}"#.into(),
        delivery_with(&[user(1)], |body| body["channel"] = json!("telex")),
        delivery_with(&[], |_| ()),
        delivery(&users(0..501)),
        "x".repeat(1024 * 1024),
    ];
    let mut bodies = poison.to_vec();
    bodies.push(delivery(&[user(7)]));
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty(), "{handled:?}");
    let mut letters = world.dead_letters().await;
    assert_eq!(letters.len(), 9);
    letters.sort_by(|a, b| a.body.cmp(&b.body));
    let mut expected = poison.to_vec();
    expected.sort();
    for (letter, expected) in letters.iter().zip(&expected) {
        assert_eq!(&letter.body, expected, "byte for byte");
        // Beside a body of 1 MiB there is no room for any attribute.
        if expected.len() < 1024 * 1024 {
            assert_eq!(letter.attribute("reason"), "undecodable");
            assert_eq!(letter.attribute("receive_count"), "1");
        }
    }
    assert_eq!(world.line.ledger().accepted_recipients, 1);
}

#[tokio::test]
async fn an_empty_or_missing_body_is_set_aside_as_a_word_that_says_so() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let event = parse(json!({"Records": [
        {"messageId": "a", "body": ""},
        {"messageId": "b", "body": null},
        {"messageId": "c"},
    ]}));
    let handled = consumer.handle(event, in_seconds(30)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.body == "(empty)"));
}

#[tokio::test]
async fn an_event_without_records_is_answered_with_no_failures() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let handled = consumer
        .handle(parse(json!({"Records": []})), in_seconds(30))
        .await;
    assert!(failures(&handled).is_empty());
    assert!(handled.metrics.is_empty());
}

#[tokio::test]
async fn a_failed_record_without_an_id_brings_the_whole_batch_back() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", "http://127.0.0.1:1")])
        .await;
    let event = parse(json!({"Records": [
        {"body": delivery(&[user(1)]), "eventSourceARN": world.arn()},
        {"messageId": "", "body": delivery(&[user(2)]), "eventSourceARN": world.arn()},
    ]}));
    let handled = consumer.handle(event, in_seconds(30)).await;
    assert_eq!(
        failures(&handled),
        ["", ""],
        "an empty name fails the batch"
    );
}

#[tokio::test]
async fn a_panic_in_one_record_fails_that_record_only() {
    let world = World::start().await;
    let consumer = world.consumer().await.with_observer(|settled| {
        assert_eq!(settled.recipients, 1, "made to panic");
    });
    let bodies = [
        delivery(&[user(1)]),
        delivery(&users(2..4)),
        delivery(&[user(5)]),
    ];
    for body in &bodies {
        world.publish(body).await;
    }
    let batch = world.batch().await;
    let panicking = batch
        .records
        .iter()
        .find(|record| record.body.as_deref() == Some(&bodies[1]))
        .and_then(|record| record.message_id.clone())
        .unwrap();
    let handled = consumer.handle(batch, in_seconds(30)).await;
    assert_eq!(failures(&handled), [panicking]);
    assert_eq!(world.line.ledger().accepted_recipients, 4);
}

/// A FIFO queue, and a LINE that answers each request with an error.
async fn fifo_with_failing_line() -> World {
    let fifo = [
        (QueueAttributeName::FifoQueue, "true"),
        (QueueAttributeName::ContentBasedDeduplication, "true"),
    ];
    let options = LineOptions {
        faults: fanline_local::LineFaults {
            rates: [(LineFault::ErrorBefore, 1.0)].into(),
            ..Default::default()
        },
        ..LineOptions::default()
    };
    World::with_queue(options, "deliveries.fifo", &fifo).await
}

/// To Lambda everything behind a failure failed, so it deletes none of it.
#[tokio::test]
async fn on_a_fifo_queue_what_is_settled_behind_a_failure_does_not_come_again() {
    let world = fifo_with_failing_line().await;
    let consumer = world.consumer().await;
    let late = delivery_with(&[user(2)], |body| {
        body["expires_at"] = json!("2020-01-01T00:00:00Z");
    });
    for (group, body) in [("a", delivery(&[user(1)])), ("b", late)] {
        let request = world.sqs.send_message().queue_url(&world.deliveries);
        let request = request.message_group_id(group).message_body(body);
        request.send().await.unwrap();
    }
    let mut messages = receive(&world.sqs, &world.deliveries).await;
    messages.extend(receive(&world.sqs, &world.deliveries).await);
    assert_eq!(messages.len(), 2);
    let batch = parse(event(&messages, &world.arn()));
    let handled = consumer.handle(batch, in_seconds(30)).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(world.left().await, 1);
}

#[tokio::test]
async fn a_fifo_group_stops_at_its_first_failure_and_others_go_on() {
    let world = fifo_with_failing_line().await;
    let consumer = world.consumer().await;
    let late = |n: usize| {
        delivery_with(&[user(n)], |body| {
            body["expires_at"] = json!("2020-01-01T00:00:00Z");
        })
    };
    // Group a: one that ends without LINE, one that fails, one that must not be tried. Group b: one
    // that ends.
    for (group, body) in [
        ("a", late(1)),
        ("a", delivery(&[user(2)])),
        ("a", delivery(&[user(3)])),
        ("b", late(4)),
    ] {
        let request = world.sqs.send_message().queue_url(&world.deliveries);
        request
            .message_group_id(group)
            .message_body(body)
            .send()
            .await
            .unwrap();
    }
    let mut messages = receive(&world.sqs, &world.deliveries).await;
    messages.extend(receive(&world.sqs, &world.deliveries).await);
    assert_eq!(messages.len(), 4);
    let id_of = |to: &str| {
        let message = messages
            .iter()
            .find(|message| message.body().unwrap().contains(to));
        message.unwrap().message_id().unwrap().to_owned()
    };
    let batch = parse(event(&messages, &world.arn()));
    let handled = consumer.handle(batch, in_seconds(30)).await;
    assert_eq!(failures(&handled), [id_of(&user(2)), id_of(&user(3))]);
    let asked: u64 = world.line.ledger().faults.values().sum();
    assert_eq!(asked, 1, "the third of the group was not tried");
    assert_eq!(world.dead_letters().await.len(), 2);
}

#[tokio::test]
async fn what_could_outlast_the_invocation_is_not_started() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    world.publish(&delivery(&[user(1)])).await;
    let batch = world.batch().await;
    // Five seconds of request time-out and the margin do not fit into six seconds.
    let handled = consumer.handle(batch, in_seconds(6)).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(world.line.ledger().accepted_requests, 0);
}

#[tokio::test]
async fn a_slow_pace_starts_what_fits_and_hands_back_the_rest() {
    let world = World::start().await;
    let consumer = world.consumer_with(&[("PUSH_PER_SECOND", "2")]).await;
    for n in 0..10 {
        world.publish(&delivery(&[user(n)])).await;
    }
    let batch = world.batch().await;
    let handled = consumer.handle(batch, in_seconds(9)).await;
    let sent = world.line.ledger().accepted_requests;
    assert!(
        (1..=4).contains(&sent),
        "{sent} in two seconds at two a second"
    );
    assert_eq!(failures(&handled).len() as u64, 10 - sent);
}

#[tokio::test]
async fn a_failed_record_is_hidden_for_its_back_off_and_no_longer() {
    let world = World::with_queue(
        LineOptions::default(),
        "deliveries",
        &[(QueueAttributeName::VisibilityTimeout, "3600")],
    )
    .await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", "http://127.0.0.1:1")])
        .await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
    world.clock.advance(std::time::Duration::from_secs(2));
    let batch = world.batch().await;
    assert_eq!(
        batch.records.len(),
        1,
        "the first wait is two seconds at most"
    );
    assert_eq!(batch.records[0].attributes["ApproximateReceiveCount"], "2");
}

#[tokio::test]
async fn a_queue_that_does_not_hide_changes_nothing_about_the_failure() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", "http://127.0.0.1:1"),
            ("DELIVERY_QUEUE_URL", "http://127.0.0.1:1/0/gone"),
        ])
        .await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
}

#[tokio::test]
async fn a_dead_letter_that_is_not_taken_makes_a_failure() {
    let world = World::start().await;
    let gone = format!("{}/000000000000/gone", world.server.url());
    let consumer = world
        .consumer_with(&[("DEAD_LETTER_QUEUE_URL", &gone)])
        .await;
    let handled = world
        .handle(&consumer, &["poison".into(), delivery(&[user(1)])])
        .await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(world.line.ledger().accepted_recipients, 1);
}
