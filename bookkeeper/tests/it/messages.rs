//! Which messages come again, and which end among the outcome dead letters.

use std::sync::Arc;

use aws_sdk_sqs::types::QueueAttributeName;
use fanline_bookkeeper::Event;
use fanline_ledger::{DeliveryOutcome, Standing, WAKE};
use fanline_local::S3Fault;
use fanline_poller::{Poller, PollerOptions};
use serde_json::json;
use uuid::Uuid;

use crate::run::{RUN, accepted, keys, messages, slice, stored_book, write_counts};
use crate::support::{World, event, handed_back, metric};

fn loose() -> DeliveryOutcome {
    DeliveryOutcome {
        standing: Standing::Loose(Uuid::from_u128(7)),
        ..accepted("1:0")
    }
}

fn message(run: &str, outcomes: &[DeliveryOutcome]) -> String {
    messages(run, outcomes, 100).remove(0)
}

#[tokio::test]
async fn only_messages_that_can_not_be_read_are_handed_back() {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", 10)]).await;
    let bodies = [
        message(RUN, &[accepted("1:0")]),
        String::new(),
        "not JSON".to_owned(),
        json!({"v": 2, "run": RUN}).to_string(),
        WAKE.to_owned(),
        message(RUN, &[accepted("1:1")]).replace("accepted", "adored"),
        message(RUN, &[accepted("1:2")]),
    ];
    let handled = world.bookkeeper().handle(event(bodies)).await.unwrap();
    assert_eq!(handed_back(&handled), ["1", "2", "3", "5"]);
    assert_eq!(metric(&handled, "undecodable"), 4);
    assert_eq!(metric(&handled, "outcomes"), 2);
    assert_eq!(metric(&handled, "function"), "bookkeeper");
    let expected = [accepted("1:0"), accepted("1:2")];
    assert!(stored_book(&world.store(), "1").await == crate::run::book("1", 10, &expected));
}

#[tokio::test]
async fn only_messages_whose_book_is_not_written_are_handed_back() {
    let bodies = [
        message(RUN, &[accepted("1:0")]),
        message(RUN, &[accepted("1:1"), accepted("11:1")]),
        message(RUN, &[accepted("11:2")]),
        message(RUN, &[loose()]),
        message("other", &[accepted("1:0")]),
        // The slice has no counts, so its outcomes are loose.
        message(RUN, &[accepted("21:0")]),
    ];
    for (denied, expected) in [
        ("/books/11", &["1", "2"][..]),
        ("/books/loose", &["3", "4", "5"]),
        (
            "%402026-12-25T00%3A00%3A00Z/pages/",
            &["0", "1", "2", "3", "5"],
        ),
    ] {
        let world = World::start().await;
        write_counts(&world.store(), &[("1", 10), ("11", 10)]).await;
        world.s3.script(move |call| {
            let is_denied = call.method == "PUT" && call.key.contains(denied);
            is_denied.then_some(S3Fault::Denied)
        });
        let bookkeeper = world.bookkeeper();
        let handled = bookkeeper.handle(event(bodies.clone())).await.unwrap();
        assert_eq!(handed_back(&handled), expected, "{denied}");
        assert_eq!(metric(&handled, "handed_back"), expected.len());
    }
}

#[tokio::test]
async fn outcomes_without_a_place_are_counted_apart() {
    let world = World::start().await;
    let store = world.store();
    write_counts(&store, &[("1", 10)]).await;
    let outcomes = [accepted("1:0"), accepted("1:10"), accepted("21:0"), loose()];
    let bookkeeper = world.bookkeeper();
    for _ in 0..2 {
        let handled = bookkeeper.handle(event([message(RUN, &outcomes)])).await;
        assert!(handed_back(&handled.unwrap()).is_empty());
    }
    let sum = fanline_ledger::read_sum(&store, &keys()).await.unwrap();
    assert_eq!(sum.tallies[&slice("1")].people.accepted, 1);
    assert_eq!(sum.loose.people.accepted, 3);
}

#[tokio::test]
async fn a_message_that_can_not_be_read_ends_among_the_dead_letters() {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", 10)]).await;
    let created = world.sqs.create_queue().queue_name("outcomes-dead");
    created.send().await.unwrap();
    let arn = "arn:aws:sqs:us-east-1:000000000000:outcomes-dead";
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let queue = world.queue("outcomes");
    let attributes = world.sqs.set_queue_attributes().queue_url(&queue);
    let attributes = attributes.attributes(QueueAttributeName::RedrivePolicy, policy);
    let attributes = attributes.attributes(QueueAttributeName::VisibilityTimeout, "2");
    attributes.send().await.unwrap();
    for body in [message(RUN, &[accepted("1:0")]), "nonsense".to_owned()] {
        let sent = world
            .sqs
            .send_message()
            .queue_url(&queue)
            .message_body(body);
        sent.send().await.unwrap();
    }
    let bookkeeper = Arc::new(world.bookkeeper());
    let mut options = PollerOptions::new(&queue);
    options.batch_size = 1_000;
    options.concurrency = 2;
    let poller = Poller::start(world.sqs.clone(), options, move |event| {
        let bookkeeper = Arc::clone(&bookkeeper);
        async move {
            let event: Event = serde_json::from_value(event).map_err(|e| e.to_string())?;
            let handled = bookkeeper.handle(event).await.map_err(|e| e.to_string())?;
            serde_json::to_value(handled.response).map_err(|e| e.to_string())
        }
    });
    let poller = poller.await.unwrap();
    let dead = loop {
        let receive = world.sqs.receive_message().wait_time_seconds(1);
        let receive = receive.queue_url(world.queue("outcomes-dead"));
        let received = receive.send().await.unwrap();
        if let Some(letter) = received.messages.unwrap_or_default().pop() {
            break letter.body.unwrap();
        }
    };
    assert_eq!(dead, "nonsense");
    poller.stop().await;
    assert!(!stored_book(&world.store(), "1").await.is_empty());
}
