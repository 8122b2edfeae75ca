//! FIFO queues: order in a group, its lock, and deduplication.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::support::{World, bodies};

const FIFO: (QueueAttributeName, &str) = (QueueAttributeName::FifoQueue, "true");
const BY_CONTENT: (QueueAttributeName, &str) =
    (QueueAttributeName::ContentBasedDeduplication, "true");

/// Sends `group:body` and gives its message id and sequence number.
async fn send(world: &World, url: &str, text: &str) -> (String, u128) {
    let group = text.split(':').next().unwrap();
    let request = world.sqs.send_message().queue_url(url).message_body(text);
    let sent = request.message_group_id(group).send().await.unwrap();
    let sequence = sent.sequence_number().unwrap();
    assert_eq!(sequence.len(), 20);
    (sent.message_id.clone().unwrap(), sequence.parse().unwrap())
}

fn group(message: &Message) -> &str {
    &message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId]
}

#[tokio::test]
async fn a_group_is_in_order_and_locked_while_one_of_its_messages_is_in_flight() {
    let world = World::start().await;
    let url = world.queue("mail.fifo", &[FIFO, BY_CONTENT]).await;
    let mut sequences = Vec::new();
    for text in ["a:1", "a:2", "b:1", "a:3"] {
        sequences.push(send(&world, &url, text).await.1);
    }
    assert!(sequences.is_sorted());
    let one = |most| {
        let request = world.sqs.receive_message().queue_url(&url);
        request
            .max_number_of_messages(most)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
    };
    let first = one(2).await.unwrap().messages.unwrap();
    assert_eq!(bodies(&first), ["a:1", "a:2"]);
    assert_eq!(group(&first[0]), "a");
    // The group `a` is locked, and `b` is not.
    let second = one(10).await.unwrap().messages.unwrap();
    assert_eq!(bodies(&second), ["b:1"]);
    assert_eq!(one(10).await.unwrap().messages, None);
    world.delete(&url, &first[0]).await;
    assert_eq!(one(10).await.unwrap().messages, None);
    // The second message is visible again, and is still before the third.
    world.clock.advance(Duration::from_secs(31));
    let rest = one(10).await.unwrap().messages.unwrap();
    let in_a: Vec<&str> = bodies(&rest)
        .into_iter()
        .filter(|body| body.starts_with('a'))
        .collect();
    assert_eq!(in_a, ["a:2", "a:3"]);
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn the_same_message_within_five_minutes_is_accepted_and_not_delivered() {
    let world = World::start().await;
    let url = world.queue("mail.fifo", &[FIFO, BY_CONTENT]).await;
    let first = send(&world, &url, "a:once").await;
    assert_eq!(send(&world, &url, "a:once").await, first);
    let messages = world.receive(&url).await;
    assert_eq!(bodies(&messages), ["a:once"]);
    world.delete(&url, &messages[0]).await;
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(send(&world, &url, "a:once").await, first);
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    world.clock.advance(Duration::from_secs(1));
    assert_ne!(send(&world, &url, "a:once").await, first);
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_deduplication_id_counts_only_in_its_group_if_the_queue_says_so() {
    let world = World::start().await;
    let scope = (QueueAttributeName::DeduplicationScope, "messageGroup");
    let url = world.queue("mail.fifo", &[FIFO, scope]).await;
    for group in ["a", "b", "a"] {
        let request = world.sqs.send_message().queue_url(&url).message_body("x");
        let request = request
            .message_group_id(group)
            .message_deduplication_id("id");
        request.send().await.unwrap();
    }
    assert_eq!(world.counts(&url).await, [2, 0, 0]);
}

#[tokio::test]
async fn a_send_without_what_a_fifo_queue_needs_is_refused() {
    let world = World::start().await;
    let url = world.queue("mail.fifo", &[FIFO]).await;
    let send = || world.sqs.send_message().queue_url(&url).message_body("x");
    let error = send().send().await.unwrap_err();
    assert_eq!(error.code(), Some("MissingParameter"));
    let error = send().message_group_id("a").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let identified = || send().message_group_id("a").message_deduplication_id("1");
    let error = identified().delay_seconds(2).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let entry = |group: Option<&str>| {
        SendMessageBatchRequestEntry::builder()
            .id(group.unwrap_or("none"))
            .message_body("x")
            .set_message_group_id(group.map(str::to_owned))
            .message_deduplication_id("1")
            .build()
            .unwrap()
    };
    let batch = world.sqs.send_message_batch().queue_url(&url);
    let batch = batch.entries(entry(Some("a"))).entries(entry(None));
    let error = batch.send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    assert_eq!(
        error.message(),
        Some("The request must contain the parameter MessageGroupId.")
    );
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    for (name, attributes) in [
        ("mail", vec![FIFO]),
        ("post.fifo", vec![]),
        ("post", vec![BY_CONTENT]),
    ] {
        let mut request = world.sqs.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            request = request.attributes(attribute, value);
        }
        assert!(request.send().await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_delete_after_the_visibility_timeout_fails() {
    let world = World::start().await;
    let url = world.queue("mail.fifo", &[FIFO, BY_CONTENT]).await;
    send(&world, &url, "a:1").await;
    let message = world.receive(&url).await.remove(0);
    world.clock.advance(Duration::from_secs(30));
    let request = world.sqs.delete_message().queue_url(&url);
    let error = request
        .receipt_handle(message.receipt_handle().unwrap())
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    assert!(
        error
            .message()
            .unwrap()
            .contains("The receipt handle has expired")
    );
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_dead_letter_unlocks_its_group() {
    let world = World::start().await;
    let (url, dead) = world.with_dead_letters("mail.fifo", 1).await;
    for (body, id) in [("first", "1"), ("second", "2")] {
        let request = world.sqs.send_message().queue_url(&url).message_body(body);
        let request = request.message_group_id("a").message_deduplication_id(id);
        request.send().await.unwrap();
    }
    let request = world.sqs.receive_message().queue_url(&url);
    assert_eq!(
        bodies(&request.send().await.unwrap().messages.unwrap()),
        ["first"]
    );
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(bodies(&world.receive(&url).await), ["second"]);
    let letters = world.receive(&dead).await;
    assert_eq!(bodies(&letters), ["first"]);
    assert_eq!(group(&letters[0]), "a");
}

#[tokio::test]
async fn a_purged_group_takes_new_messages() {
    let world = World::start().await;
    let url = world.queue("mail.fifo", &[FIFO, BY_CONTENT]).await;
    send(&world, &url, "a:1").await;
    send(&world, &url, "a:2").await;
    let request = world.sqs.receive_message().queue_url(&url);
    request.send().await.unwrap();
    world
        .sqs
        .purge_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    send(&world, &url, "a:3").await;
    assert_eq!(bodies(&world.receive(&url).await), ["a:3"]);
}
