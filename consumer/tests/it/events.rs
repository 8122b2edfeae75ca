//! The events in `events/`, which a person can invoke the consumer with. They do what
//! `events/README.md` says.

use aws_lambda_events::sqs::SqsEvent;
use fanline_consumer::Consumer;
use fanline_consumer::Handled;

use crate::support::{World, failures, in_seconds, metrics};

fn read(name: &str) -> SqsEvent {
    let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn handle(consumer: &Consumer, name: &str) -> Handled {
    let handled = consumer.handle(read(name), in_seconds(30)).await;
    assert!(failures(&handled).is_empty(), "{name}: {handled:?}");
    handled
}

#[tokio::test]
async fn ten_good_ones_reach_fourteen_and_redelivered_reach_nobody_twice() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let handled = handle(&consumer, "sqs-ten-good").await;
    assert_eq!(metrics(&handled)["accepted"], 14);
    let again = handle(&consumer, "sqs-redelivered").await;
    assert_eq!(metrics(&again)["already_accepted_deliveries"], 10);
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (14, 0));
}

#[tokio::test]
async fn the_one_bad_body_is_set_aside_byte_for_byte() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    handle(&consumer, "sqs-one-bad-body").await;
    assert_eq!(world.line.ledger().accepted_requests, 9);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].attribute("reason"), "undecodable");
    let records = read("sqs-one-bad-body").records;
    assert!(
        records
            .iter()
            .any(|record| record.body.as_ref() == Some(&letters[0].body))
    );
}

#[tokio::test]
async fn ten_notifications_are_sent() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    handle(&consumer, "sqs-notify").await;
    assert_eq!(world.line.ledger().accepted_recipients, 10);
}

#[tokio::test]
async fn those_too_old_are_set_aside_and_not_sent() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    handle(&consumer, "sqs-too-old").await;
    assert_eq!(world.line.ledger().accepted_requests, 0);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 2);
    assert!(
        letters
            .iter()
            .all(|letter| letter.attribute("reason") == "unknown")
    );
}
