//! The faults of the queue server, with a real client.

use std::collections::HashSet;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_local::{QueueFaults, QueueOptions};

use crate::support::World;

async fn world(faults: QueueFaults) -> (World, String) {
    let options = QueueOptions {
        faults,
        ..QueueOptions::default()
    };
    let mut world = World::start_with(options).await;
    // Without the retries of the client, which would hide the faults.
    let config = world.sqs.config().to_builder();
    let once = config.retry_config(RetryConfig::disabled()).build();
    world.sqs = aws_sdk_sqs::Client::from_conf(once);
    let url = world.queue("mail", &[]).await;
    (world, url)
}

/// Sends ten requests of ten entries. Gives the ids of the entries that failed, with `SenderFault`.
async fn failures(faults: QueueFaults) -> Vec<(String, bool)> {
    let (world, url) = world(faults).await;
    let mut failures = Vec::new();
    for request in 0..10 {
        let entries = (0..10).map(|entry| {
            SendMessageBatchRequestEntry::builder()
                .id(format!("{request}-{entry}"))
                .message_body("x")
                .build()
                .unwrap()
        });
        let send = world.sqs.send_message_batch().queue_url(&url);
        let answer = send
            .set_entries(Some(entries.collect()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.successful().len() + answer.failed().len(), 10);
        for failed in answer.failed() {
            failures.push((failed.id().to_owned(), failed.sender_fault()));
        }
    }
    assert_eq!(world.counts(&url).await, [100 - failures.len(), 0, 0]);
    failures
}

#[tokio::test]
async fn the_same_entries_fail_for_the_same_seed() {
    let faults = |seed| QueueFaults {
        seed,
        failed: 0.2,
        refused: 0.1,
        ..QueueFaults::default()
    };
    let first = failures(faults(1)).await;
    assert!(first.iter().any(|(_, sender)| *sender));
    assert!(first.iter().any(|(_, sender)| !sender));
    assert_eq!(failures(faults(1)).await, first);
    assert_ne!(failures(faults(2)).await, first);
}

#[tokio::test]
async fn a_throttled_request_has_no_effect() {
    let (world, url) = world(QueueFaults {
        throttled: 1.0,
        ..QueueFaults::default()
    })
    .await;
    let send = world.sqs.send_message().queue_url(&url).message_body("x");
    let error = send.send().await.unwrap_err();
    assert_eq!(error.code(), Some("RequestThrottled"));
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_has_its_effect() {
    let (world, url) = world(QueueFaults {
        lost: 1.0,
        ..QueueFaults::default()
    })
    .await;
    let send = world.sqs.send_message().queue_url(&url).message_body("x");
    let error = send.send().await.unwrap_err();
    assert!(error.raw_response().is_none(), "{error:?}");
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_duplicated_message_is_received_twice() {
    let (world, url) = world(QueueFaults {
        duplicated: 0.5,
        seed: 3,
        ..QueueFaults::default()
    })
    .await;
    let mut sent = HashSet::new();
    for _ in 0..20 {
        sent.insert(world.send(&url, "x").await);
    }
    let mut received = Vec::new();
    loop {
        let messages = world.receive(&url).await;
        if messages.is_empty() {
            break;
        }
        received.extend(
            messages
                .into_iter()
                .map(|message| message.message_id.unwrap()),
        );
    }
    assert!(received.len() > 20, "{}", received.len());
    assert_eq!(received.into_iter().collect::<HashSet<_>>(), sent);
}

#[tokio::test]
async fn a_short_receive_gives_fewer_messages_and_loses_none() {
    let (world, url) = world(QueueFaults {
        short: 1.0,
        ..QueueFaults::default()
    })
    .await;
    for _ in 0..20 {
        world.send(&url, "x").await;
    }
    let mut received = 0;
    for _ in 0..1_000 {
        let count = world.receive(&url).await.len();
        assert!(count < 10);
        received += count;
        if received == 20 {
            return;
        }
    }
    panic!("only {received} of 20 messages in a thousand receives");
}
