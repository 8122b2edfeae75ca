//! Answers of SQS that a poller rarely or never gets.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use fanline_poller::{Poller, PollerError, PollerOptions};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::scripted_queue::{Script, ScriptedQueue, attributes, message};

/// A poller with one loop, and the events that its function gets.
async fn start(queue: &ScriptedQueue) -> (Poller, mpsc::UnboundedReceiver<Value>) {
    let (sender, events) = mpsc::unbounded_channel();
    let options = PollerOptions {
        concurrency: 1,
        ..PollerOptions::new(&queue.url)
    };
    let poller = Poller::start(queue.sqs.clone(), options, move |event| {
        sender.send(event).unwrap();
        async { Ok(Value::Null) }
    });
    (poller.await.unwrap(), events)
}

async fn next_ids(events: &mut mpsc::UnboundedReceiver<Value>) -> Vec<Value> {
    let event = tokio::time::timeout(Duration::from_secs(10), events.recv());
    let event = event.await.unwrap().unwrap();
    let records = event["Records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["messageId"].clone())
        .collect()
}

fn received(messages: &[Value]) -> (StatusCode, Value) {
    (StatusCode::OK, json!({ "Messages": messages }))
}

/// The entry of a message that was not deleted.
fn failed(id: &str, sender_fault: bool) -> Value {
    json!({ "Id": id, "SenderFault": sender_fault, "Code": "code" })
}

#[tokio::test]
async fn a_message_without_an_id_stays_on_the_queue_and_the_others_are_processed() {
    let bare = json!({ "ReceiptHandle": "handle-bare", "Body": "bare" });
    let queue = ScriptedQueue::start(Script {
        attributes: attributes(),
        receives: [received(&[message("a"), bare, message("b")])].into(),
        deletes: [json!({ "Successful": [{ "Id": "0" }, { "Id": "1" }], "Failed": [] })].into(),
        ..Script::default()
    })
    .await;
    let (poller, mut events) = start(&queue).await;
    assert_eq!(next_ids(&mut events).await, ["a", "b"]);
    let counts = poller.counts().clone();
    poller.stop().await;
    assert_eq!(queue.deleted(), [["handle-a", "handle-b"]]);
    assert_eq!(counts.received.load(Ordering::Relaxed), 3);
    assert_eq!(counts.returned.load(Ordering::Relaxed), 1);
    assert_eq!(counts.deleted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_delete_that_is_not_confirmed_is_tried_again_and_a_refused_one_is_not() {
    let first = json!({
        "Successful": [{ "Id": "0" }],
        "Failed": [failed("1", false), failed("2", true)],
    });
    let second = json!({ "Successful": [{ "Id": "0" }, { "Id": "1" }], "Failed": [] });
    let queue = ScriptedQueue::start(Script {
        attributes: attributes(),
        receives: [received(&["a", "b", "c", "d"].map(message))].into(),
        deletes: [first, second].into(),
        ..Script::default()
    })
    .await;
    let (poller, mut events) = start(&queue).await;
    assert_eq!(next_ids(&mut events).await, ["a", "b", "c", "d"]);
    let counts = poller.counts().clone();
    poller.stop().await;
    assert_eq!(
        queue.deleted(),
        [
            vec!["handle-a", "handle-b", "handle-c", "handle-d"],
            vec!["handle-b", "handle-d"],
        ]
    );
    assert_eq!(counts.deleted.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_queue_whose_receive_fails_is_polled_again() {
    let refused = json!({ "__type": "com.amazonaws.sqs#OverLimit", "message": "too many" });
    let queue = ScriptedQueue::start(Script {
        attributes: attributes(),
        receives: [(StatusCode::FORBIDDEN, refused), received(&[message("a")])].into(),
        deletes: [json!({ "Successful": [{ "Id": "0" }], "Failed": [] })].into(),
        ..Script::default()
    })
    .await;
    let (poller, mut events) = start(&queue).await;
    assert_eq!(next_ids(&mut events).await, ["a"]);
    poller.stop().await;
    assert_eq!(queue.deleted(), [["handle-a"]]);
}

#[tokio::test]
async fn a_queue_without_a_usable_arn_is_not_polled() {
    for attributes in [
        json!({}),
        json!({ "QueueArn": "" }),
        json!({ "QueueArn": "arn:aws:sqs::000000000000:mail" }),
    ] {
        let queue = ScriptedQueue::start(Script {
            attributes,
            ..Script::default()
        })
        .await;
        let options = PollerOptions::new(&queue.url);
        let function = |_| async { Ok(Value::Null) };
        let started = Poller::start(queue.sqs.clone(), options, function).await;
        let PollerError::Queue { url, .. } = started.unwrap_err();
        assert_eq!(url, queue.url);
    }
}
