//! The life of one message: sent, received, hidden, deleted or forgotten.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};

use crate::support::{World, bodies};

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    assert_eq!(url, format!("{}/000000000000/mail", world.server.url()));
    let blob = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([0, 1, 255]))
        .build()
        .unwrap();
    let sent = world
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("早安 \"quoted\"\n🌅")
        .message_attributes("reason", text("quota"))
        .message_attributes("blob", blob)
        .message_group_id("campaign-7")
        .send()
        .await
        .unwrap();
    let messages = world.receive(&url).await;
    let [message] = messages.as_slice() else {
        panic!("one message, not {}", messages.len());
    };
    assert_eq!(message.body(), Some("早安 \"quoted\"\n🌅"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    assert!(sent.md5_of_message_attributes().is_some());
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["reason"].string_value(), Some("quota"));
    assert_eq!(
        attributes["blob"].binary_value().unwrap().as_ref(),
        [0, 1, 255]
    );
    let system = message.attributes().unwrap();
    assert_eq!(
        system[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    // In a standard queue the group makes no order: it is for fair queues.
    assert_eq!(
        system[&MessageSystemAttributeName::MessageGroupId],
        "campaign-7"
    );
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
    world.delete(&url, message).await;
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_message_that_is_not_deleted_is_received_again_after_its_visibility_timeout() {
    let world = World::start().await;
    let url = world
        .queue("mail", &[(QueueAttributeName::VisibilityTimeout, "43200")])
        .await;
    world.send(&url, "again").await;
    let first = world.receive(&url).await;
    assert_eq!(world.receive(&url).await.len(), 0);
    world.clock.advance(Duration::from_secs(43_199));
    assert_eq!(world.receive(&url).await.len(), 0);
    world.clock.advance(Duration::from_secs(1));
    let second = world.receive(&url).await;
    assert_eq!(bodies(&second), ["again"]);
    let count =
        &second[0].attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount];
    assert_eq!(count, "2");
    // The handle of the first receive deletes nothing now, without an error.
    world.delete(&url, &first[0]).await;
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
}

#[tokio::test]
async fn a_handle_is_valid_after_its_timeout_until_the_message_is_received_again() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.send(&url, "late").await;
    let message = world.receive(&url).await.remove(0);
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
    let change = |seconds| {
        world
            .sqs
            .change_message_visibility()
            .queue_url(&url)
            .receipt_handle(message.receipt_handle().unwrap())
            .visibility_timeout(seconds)
            .send()
    };
    change(60).await.unwrap();
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
    let error = change(43_201).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    change(0).await.unwrap();
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
    world.delete(&url, &message).await;
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    assert_eq!(
        change(1).await.unwrap_err().code(),
        Some("InvalidParameterValue")
    );
}

#[tokio::test]
async fn a_delayed_message_is_visible_after_its_delay() {
    let world = World::start().await;
    let url = world
        .queue("mail", &[(QueueAttributeName::DelaySeconds, "10")])
        .await;
    let send = |body, seconds| {
        let request = world.sqs.send_message().queue_url(&url).message_body(body);
        request.set_delay_seconds(seconds).send()
    };
    send("own", Some(900)).await.unwrap();
    send("none", Some(0)).await.unwrap();
    send("queue's", None).await.unwrap();
    assert_eq!(world.counts(&url).await, [1, 0, 2]);
    assert_eq!(bodies(&world.receive(&url).await), ["none"]);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(bodies(&world.receive(&url).await), ["queue's"]);
    world.clock.advance(Duration::from_secs(890));
    let rest = world.receive(&url).await;
    assert!(bodies(&rest).contains(&"own"));
}

#[tokio::test]
async fn a_message_is_gone_after_the_retention_period() {
    let world = World::start().await;
    let url = world
        .queue(
            "mail",
            &[(QueueAttributeName::MessageRetentionPeriod, "60")],
        )
        .await;
    world.send(&url, "visible").await;
    world.send(&url, "in flight").await;
    world
        .sqs
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(30));
    world.send(&url, "younger").await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
    assert_eq!(bodies(&world.receive(&url).await), ["younger"]);
}

#[tokio::test]
async fn a_message_is_hidden_for_at_most_twelve_hours() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.send(&url, "long").await;
    let message = world.receive(&url).await.remove(0);
    let change = |seconds| {
        let request = world.sqs.change_message_visibility().queue_url(&url);
        let request = request.receipt_handle(message.receipt_handle().unwrap());
        request.visibility_timeout(seconds).send()
    };
    change(43_200).await.unwrap();
    world.clock.advance(Duration::from_hours(11));
    let error = change(3_601).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    change(3_590).await.unwrap();
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
}
