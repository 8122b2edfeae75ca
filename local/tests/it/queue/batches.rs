//! Requests with several entries.

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::support::{World, entry};

#[tokio::test]
async fn a_bad_entry_fails_and_the_others_are_sent() {
    let world = World::start().await;
    let url = world
        .queue("mail", &[(QueueAttributeName::MaximumMessageSize, "1024")])
        .await;
    let late = SendMessageBatchRequestEntry::builder()
        .id("late")
        .message_body("x")
        .delay_seconds(901)
        .build()
        .unwrap();
    let answer = world
        .sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good", "x".repeat(1024)))
        .entries(entry("long", "x".repeat(1025)))
        .entries(entry("control", "a\u{b}c"))
        .entries(entry("non-character", "a\u{FFFE}"))
        .entries(late)
        .entries(entry("fine", "y"))
        .send()
        .await
        .unwrap();
    let successful: Vec<&str> = answer
        .successful()
        .iter()
        .map(aws_sdk_sqs::types::SendMessageBatchResultEntry::id)
        .collect();
    assert_eq!(successful, ["good", "fine"]);
    let mut failed: Vec<(&str, &str, bool)> = answer
        .failed()
        .iter()
        .map(|failed| (failed.id(), failed.code(), failed.sender_fault()))
        .collect();
    failed.sort_unstable();
    assert_eq!(
        failed,
        [
            ("control", "InvalidMessageContents", true),
            ("late", "InvalidParameterValue", true),
            ("long", "InvalidParameterValue", true),
            ("non-character", "InvalidMessageContents", true),
        ]
    );
    assert_eq!(world.counts(&url).await, [2, 0, 0]);
}

#[tokio::test]
async fn a_batch_that_breaks_a_rule_fails_as_a_whole_with_a_typed_error() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let send = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let request = world
            .sqs
            .send_message_batch()
            .queue_url(&url)
            .set_entries(Some(entries));
        request.send().await.unwrap_err().into_service_error()
    };
    let eleven = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    assert!(matches!(
        send(eleven).await,
        SendMessageBatchError::TooManyEntriesInBatchRequest(_)
    ));
    assert!(matches!(
        send(Vec::new()).await,
        SendMessageBatchError::EmptyBatchRequest(_)
    ));
    assert!(matches!(
        send(vec![entry("a", "x"), entry("a", "y")]).await,
        SendMessageBatchError::BatchEntryIdsNotDistinct(_)
    ));
    assert!(matches!(
        send(vec![entry("a.b", "x")]).await,
        SendMessageBatchError::InvalidBatchEntryId(_)
    ));
    let over = send(vec![entry("a", "x".repeat(1_048_576)), entry("b", "y")]).await;
    assert!(matches!(
        over,
        SendMessageBatchError::BatchRequestTooLong(_)
    ));
    assert_eq!(
        over.meta().message(),
        Some("Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
    );
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    let full = world
        .sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", "x".repeat(1_048_575)))
        .entries(entry("b", "y"));
    assert!(full.send().await.unwrap().failed().is_empty());
}

#[tokio::test]
async fn a_bad_delete_fails_and_the_others_are_done() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.send(&url, "x").await;
    let message = world.receive(&url).await.remove(0);
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle)
            .build()
            .unwrap()
    };
    let answer = world
        .sqs
        .delete_message_batch()
        .queue_url(&url)
        .entries(delete("good", message.receipt_handle().unwrap()))
        .entries(delete("bad", "no handle"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.successful()[0].id(), "good");
    let failed = &answer.failed()[0];
    assert_eq!(
        (failed.id(), failed.code()),
        ("bad", "ReceiptHandleIsInvalid")
    );
    assert!(failed.sender_fault());
}
