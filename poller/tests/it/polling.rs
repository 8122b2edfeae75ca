//! The poller between a real SQS client and the queue server.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use fanline_local::Kills;
use fanline_poller::{Gate, Poller, PollerError, PollerOptions};
use serde_json::{Value, json};

use crate::support::{World, until};

async fn send_many(world: &World, url: &str, count: usize) {
    for first in (0..count).step_by(10) {
        let entries = (first..count.min(first + 10)).map(|n| {
            SendMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .message_body(n.to_string())
                .build()
                .unwrap()
        });
        let request = world.sqs.send_message_batch().queue_url(url);
        request
            .set_entries(Some(entries.collect()))
            .send()
            .await
            .unwrap();
    }
}

fn ids_of(event: &Value) -> Vec<Value> {
    let records = event["Records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["messageId"].clone())
        .collect()
}

/// The event that a poller makes of the messages on the queue.
async fn next_event(world: &World, url: &str) -> Value {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let poller = Poller::start(world.sqs.clone(), PollerOptions::new(url), move |event| {
        sender.send(event).unwrap();
        async { Ok(json!(null)) }
    })
    .await
    .unwrap();
    let event = events.recv().await.unwrap();
    poller.stop().await;
    event
}

#[tokio::test]
async fn the_event_is_the_one_that_lambda_makes() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let reason = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("quota")
        .build()
        .unwrap();
    let request = world
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("早安");
    let sent = request
        .message_attributes("reason", reason)
        .send()
        .await
        .unwrap();
    let mut event = next_event(&world, &url).await;
    let record = &mut event["Records"][0];
    for (name, value) in record["attributes"].as_object_mut().unwrap() {
        if name.ends_with("Timestamp") {
            assert!(value.as_str().unwrap().parse::<u64>().is_ok());
            *value = json!("a time");
        }
    }
    assert!(record["receiptHandle"].as_str().is_some());
    record["receiptHandle"] = json!("a handle");
    assert_eq!(
        *record,
        json!({
            "messageId": sent.message_id(),
            "receiptHandle": "a handle",
            "body": "早安",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "a time",
                "SenderId": record["attributes"]["SenderId"],
                "ApproximateFirstReceiveTimestamp": "a time",
            },
            "messageAttributes": {
                "reason": {
                    "stringValue": "quota",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "String",
                },
            },
            "md5OfMessageAttributes": sent.md5_of_message_attributes(),
            "md5OfBody": sent.md5_of_message_body(),
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:mail",
            "awsRegion": "us-east-1",
        })
    );
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn only_the_reported_message_stays_and_is_received_again() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 10).await;
    let invocations = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&invocations);
    let poller = Poller::start(world.sqs.clone(), PollerOptions::new(&url), move |event| {
        let ids = ids_of(&event);
        let mut seen = seen.lock().unwrap();
        seen.push(ids.len());
        let failures: Vec<Value> = if seen.len() == 1 {
            vec![json!({ "itemIdentifier": ids[3] })]
        } else {
            Vec::new()
        };
        async move { Ok(json!({ "batchItemFailures": failures })) }
    })
    .await
    .unwrap();
    until("nine messages are deleted", || async {
        world.counts(&url).await == [0, 1, 0]
    })
    .await;
    world.clock.advance(Duration::from_secs(30));
    until("the tenth is deleted too", || async {
        world.counts(&url).await == [0, 0, 0]
    })
    .await;
    poller.stop().await;
    assert_eq!(*invocations.lock().unwrap(), [10, 1]);
}

#[tokio::test]
async fn an_error_and_a_panic_each_return_the_whole_batch() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 3).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let poller = Poller::start(world.sqs.clone(), PollerOptions::new(&url), move |_| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call != 1, "the second call panics");
            if call == 0 {
                Err("boom".to_owned())
            } else {
                Ok(json!({}))
            }
        }
    })
    .await
    .unwrap();
    for call in 1..3 {
        until("the function was called", || async {
            calls.load(Ordering::SeqCst) == call
        })
        .await;
        assert_eq!(world.counts(&url).await, [0, 3, 0]);
        world.clock.advance(Duration::from_secs(30));
    }
    until("all messages are deleted", || async {
        world.counts(&url).await == [0, 0, 0]
    })
    .await;
    let counts = Arc::clone(poller.counts());
    poller.stop().await;
    assert_eq!(counts.errors.load(Ordering::Relaxed), 2);
    assert_eq!(counts.returned.load(Ordering::Relaxed), 6);
    assert_eq!(counts.deleted.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_window_gathers_messages_beyond_one_receive() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 35).await;
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let options = PollerOptions {
        batch_size: 35,
        window: Duration::from_mins(1),
        concurrency: 1,
        ..PollerOptions::new(&url)
    };
    let poller = Poller::start(world.sqs.clone(), options, move |event| {
        sender.send(ids_of(&event).len()).unwrap();
        async { Ok(json!(null)) }
    })
    .await
    .unwrap();
    let gathered = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
    assert_eq!(gathered.unwrap(), Some(35));
    poller.stop().await;
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn nothing_is_received_while_the_gate_is_closed() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 1).await;
    let looks = Arc::new(AtomicUsize::new(0));
    let (gate, seen) = (Arc::clone(&looks), Arc::clone(&looks));
    let (sender, mut looks_before) = tokio::sync::mpsc::unbounded_channel();
    let options = PollerOptions {
        concurrency: 1,
        gate: Gate::from_fn(move || gate.fetch_add(1, Ordering::Relaxed) == 3),
        ..PollerOptions::new(&url)
    };
    let poller = Poller::start(world.sqs.clone(), options, move |_| {
        sender.send(seen.load(Ordering::Relaxed)).unwrap();
        async { Ok(json!(null)) }
    })
    .await
    .unwrap();
    let received = tokio::time::timeout(Duration::from_secs(10), looks_before.recv()).await;
    assert_eq!(received.unwrap(), Some(4), "the fourth look found it open");
    poller.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_batch_under_way() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 1).await;
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let open = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::clone(&open);
    let poller = Poller::start(world.sqs.clone(), PollerOptions::new(&url), move |_| {
        sender.send(()).unwrap();
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Ok(json!(null))
        }
    })
    .await
    .unwrap();
    events.recv().await.unwrap();
    let stopping = tokio::spawn(poller.stop());
    open.notify_one();
    tokio::time::timeout(Duration::from_secs(10), stopping)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_ramp_begins_with_five_calls_and_adds_five_a_second() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 30).await;
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = Arc::clone(&open);
    let options = PollerOptions {
        batch_size: 1,
        concurrency: 7,
        ramp: true,
        ..PollerOptions::new(&url)
    };
    let started = Instant::now();
    let poller = Poller::start(world.sqs.clone(), options, move |_| {
        sender.send(started.elapsed()).unwrap();
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(json!(null))
        }
    })
    .await
    .unwrap();
    let mut begun = Vec::new();
    for _ in 0..7 {
        let next = tokio::time::timeout(Duration::from_secs(10), events.recv());
        begun.push(next.await.unwrap().unwrap());
    }
    assert!(begun[5] >= Duration::from_millis(200), "{begun:?}");
    assert!(begun[6] >= Duration::from_millis(400), "{begun:?}");
    open.add_permits(30);
    poller.stop().await;
}

#[tokio::test]
async fn a_batch_whose_function_was_killed_is_received_again_and_no_message_is_lost() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    send_many(&world, &url, 100).await;
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let options = PollerOptions {
        batch_size: 5,
        ..PollerOptions::new(&url)
    };
    let kills = Kills {
        seed: 4,
        rate: 0.4,
        within: Duration::from_millis(1),
    };
    let seeing = Arc::clone(&seen);
    let invocations = AtomicU64::new(0);
    let poller = Poller::start(world.sqs.clone(), options, move |event| {
        seeing
            .lock()
            .unwrap()
            .extend(ids_of(&event).iter().map(Value::to_string));
        let number = invocations.fetch_add(1, Ordering::Relaxed);
        let kills = kills.clone();
        async move { kills.run(number, async { Ok(json!(null)) }).await }
    })
    .await
    .unwrap();
    until("all messages are deleted", || async {
        world.clock.advance(Duration::from_secs(30));
        world.counts(&url).await == [0, 0, 0]
    })
    .await;
    assert!(poller.counts().errors.load(Ordering::Relaxed) > 0);
    poller.stop().await;
    assert_eq!(seen.lock().unwrap().len(), 100);
}

#[tokio::test]
async fn the_error_names_a_queue_that_does_not_exist() {
    let world = World::start().await;
    let url = format!("{}/000000000000/none", world.server.url());
    let options = PollerOptions::new(&url);
    let error = Poller::start(world.sqs.clone(), options, |_| async { Ok(json!(null)) }).await;
    let PollerError::Queue { url: named, .. } = error.unwrap_err();
    assert_eq!(named, url);
}
