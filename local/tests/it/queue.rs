//! The queue server, spoken to by the real SQS client.

use std::time::{Duration, Instant};

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::operation::purge_queue::PurgeQueueError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::support::{World, bodies};

fn entry(id: &str, body: impl Into<String>) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .build()
        .unwrap()
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_message_comes_out_as_it_went_in() {
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
    // A fair queue: the group comes back, and nothing is ordered by it.
    assert_eq!(
        system[&MessageSystemAttributeName::MessageGroupId],
        "campaign-7"
    );
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
    world.delete(&url, message).await;
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn one_bad_entry_fails_alone_and_its_neighbours_are_sent() {
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
async fn entries_that_are_no_batch_fail_together_with_typed_errors() {
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
async fn a_message_that_is_not_deleted_comes_again_after_its_visibility_timeout() {
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
    // The first receive's handle deletes nothing now, and that is no error.
    world.delete(&url, &first[0]).await;
    assert_eq!(world.counts(&url).await, [0, 1, 0]);
}

#[tokio::test]
async fn a_handle_is_good_after_its_timeout_until_the_message_is_received_again() {
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
async fn a_message_received_too_often_goes_to_the_dead_letter_queue_on_the_next_receive() {
    let world = World::start().await;
    let (url, dead) = world.with_dead_letters("mail", 2).await;
    let id = world.send(&url, "poison").await;
    for _ in 0..2 {
        assert_eq!(world.receive(&url).await.len(), 1);
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
    assert_eq!(world.counts(&dead).await, [0, 0, 0]);
    assert_eq!(world.receive(&url).await.len(), 0);
    let letters = world.receive(&dead).await;
    assert_eq!(letters[0].message_id(), Some(id.as_str()));
    let source =
        &letters[0].attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(source, "arn:aws:sqs:us-east-1:000000000000:mail");
    let sources = world.sqs.list_dead_letter_source_queues().queue_url(&dead);
    assert_eq!(sources.send().await.unwrap().queue_urls(), [url]);
}

#[tokio::test]
async fn a_delayed_message_is_seen_when_its_delay_is_over() {
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
async fn a_message_older_than_the_retention_period_is_gone() {
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
async fn a_long_poll_ends_when_a_message_arrives_wakes_or_when_its_time_is_over() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let poll = || {
        let request = world
            .sqs
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(20);
        async { request.send().await.unwrap().messages.unwrap_or_default() }
    };
    let started = Instant::now();
    let (messages, _) = tokio::join!(poll(), world.send(&url, "arrives"));
    assert_eq!(bodies(&messages), ["arrives"]);
    // It is in flight now, and wakes in 30 s of the server's time.
    let (messages, ()) = tokio::join!(poll(), async {
        world.clock.advance(Duration::from_secs(15));
        world.clock.advance(Duration::from_secs(15));
    });
    assert_eq!(bodies(&messages), ["arrives"]);
    world.delete(&url, &messages[0]).await;
    let polls = async { tokio::join!(poll(), poll()) };
    let later = async {
        // Until both polls wait, moving the clock ends none: so move it until they have ended.
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.clock.advance(Duration::from_secs(21));
        }
    };
    let (one, two) = tokio::select! {
        messages = polls => messages,
        () = later => unreachable!(),
    };
    assert_eq!((one.len(), two.len()), (0, 0));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "nothing waited for real"
    );
}

#[tokio::test]
async fn every_poll_that_waits_gets_a_message_of_one_batch() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let polls: Vec<_> = (0..5)
        .map(|_| {
            let request = world
                .sqs
                .receive_message()
                .queue_url(&url)
                .wait_time_seconds(20);
            tokio::spawn(async {
                request
                    .send()
                    .await
                    .unwrap()
                    .messages
                    .unwrap_or_default()
                    .len()
            })
        })
        .collect();
    let mut request = world.sqs.send_message_batch().queue_url(&url);
    for n in 0..5 {
        request = request.entries(entry(&n.to_string(), "x"));
    }
    request.send().await.unwrap();
    for poll in polls {
        let waited = tokio::time::timeout(Duration::from_secs(10), poll);
        assert_eq!(waited.await.unwrap().unwrap(), 1);
    }
}

#[tokio::test]
async fn a_poll_that_waits_gets_what_another_consumer_let_lapse() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let request = world
        .sqs
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let waiting = tokio::spawn(request.clone().send());
    let holding = tokio::spawn(request.visibility_timeout(1).send());
    world.send(&url, "held").await;
    // One of the two has it now, and lets it lapse after a second; the other gets it then, long before its own time is over.
    for poll in [waiting, holding] {
        let waited = tokio::time::timeout(Duration::from_secs(10), poll);
        let messages = waited.await.unwrap().unwrap().unwrap().messages;
        assert_eq!(messages.map_or(0, |messages| messages.len()), 1);
        world.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_message_is_invisible_for_twelve_hours_in_all() {
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

#[tokio::test]
async fn queues_are_made_once_found_listed_and_deleted() {
    let world = World::start().await;
    let url = world
        .queue("mail", &[(QueueAttributeName::VisibilityTimeout, "180")])
        .await;
    let same = world
        .queue("mail", &[(QueueAttributeName::VisibilityTimeout, "180")])
        .await;
    assert_eq!(url, same);
    let create = |name: &str, seconds: &str| {
        let request = world.sqs.create_queue().queue_name(name);
        request
            .attributes(QueueAttributeName::VisibilityTimeout, seconds)
            .send()
    };
    let error = create("mail", "60").await.unwrap_err().into_service_error();
    assert!(
        matches!(error, CreateQueueError::QueueNameExists(_)),
        "{error:?}"
    );
    let error = create("post", "43201")
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(error, CreateQueueError::InvalidAttributeValue(_)),
        "{error:?}"
    );
    let error = create("a name", "60").await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    world.queue("other", &[]).await;
    let listed = world
        .sqs
        .list_queues()
        .queue_name_prefix("ma")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.queue_urls(), std::slice::from_ref(&url));
    let pages: Vec<String> = world
        .sqs
        .list_queues()
        .into_paginator()
        .page_size(1)
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    assert_eq!(pages.len(), 2);
    world
        .sqs
        .delete_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let error = world
        .sqs
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap_err();
    let error = error.into_service_error();
    assert!(
        matches!(error, ReceiveMessageError::QueueDoesNotExist(_)),
        "{error:?}"
    );
    let error = create("mail", "180")
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(error, CreateQueueError::QueueDeletedRecently(_)),
        "{error:?}"
    );
    world.clock.advance(Duration::from_mins(1));
    assert!(create("mail", "180").await.is_ok());
}

#[tokio::test]
async fn a_purge_empties_the_queue_once_a_minute() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    for body in ["in flight", "visible"] {
        world.send(&url, body).await;
    }
    world
        .sqs
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let purge = || world.sqs.purge_queue().queue_url(&url).send();
    purge().await.unwrap();
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    let error = purge().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    let error = error.into_service_error();
    assert!(
        matches!(error, PurgeQueueError::PurgeQueueInProgress(_)),
        "{error:?}"
    );
    world.clock.advance(Duration::from_mins(1));
    purge().await.unwrap();
}

#[tokio::test]
async fn deletes_in_a_batch_fail_each_by_itself() {
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

#[tokio::test]
async fn a_dropped_server_answers_no_more() {
    let world = World::start().await;
    let address = world.server.url().trim_start_matches("http://").to_owned();
    drop(world.server);
    crate::support::until("the port is free", || async {
        tokio::net::TcpStream::connect(&address).await.is_err()
    })
    .await;
}
