//! A multicast that LINE refuses as a whole.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use fanline_local::{LineFault, LineFaults, LineOptions};
use serde_json::{Value, json};

use crate::scripted::{Scripted, said};
use crate::support::{World, delivery, delivery_with, failures, in_seconds, metrics, user, users};

fn strangers(some: &[String]) -> LineOptions {
    LineOptions {
        unknown: some.iter().cloned().collect(),
        ..LineOptions::default()
    }
}

#[tokio::test]
async fn a_named_recipient_is_set_aside_alone_and_the_others_get_it() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let mut to = users(0..500);
    to[17] = "not-an-id".into();
    to[400] = user(400).to_uppercase();
    let handled = world.handle(&consumer, &[delivery(&to)]).await;
    assert!(failures(&handled).is_empty());
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (498, 0));
    assert_eq!(ledger.changed_under_key, 0);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        assert_eq!(letter.attribute("reason"), "refused");
        assert_eq!(letter.attribute("status"), "400");
        let recipients = letter.recipients();
        assert!(recipients == [to[17].clone()] || recipients == [to[400].clone()]);
    }
    let metrics = metrics(&handled);
    assert_eq!(
        (&metrics["accepted"], &metrics["refused"]),
        (&json!(498), &json!(2))
    );
}

#[tokio::test]
async fn an_unnamed_recipient_is_found_by_halving() {
    let bad = [user(123), user(124), user(499)];
    let world = World::with(strangers(&bad)).await;
    let consumer = world
        .consumer_with(&[("MULTICAST_PER_SECOND", "200")])
        .await;
    let handled = world.handle(&consumer, &[delivery(&users(0..500))]).await;
    assert!(failures(&handled).is_empty());
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (497, 0));
    let letters = world.dead_letters().await;
    let set_aside: BTreeSet<String> = letters
        .iter()
        .flat_map(super::support::DeadLetter::recipients)
        .collect();
    assert_eq!(set_aside, bad.into_iter().collect());
    assert!(letters.iter().all(|letter| letter.recipients().len() == 1));
}

#[tokio::test]
async fn a_split_under_faults_loses_and_doubles_nobody() {
    let bad = [user(3), user(77)];
    let world = World::with(LineOptions {
        faults: LineFaults {
            seed: 7,
            rates: [
                (LineFault::ErrorBefore, 0.1),
                (LineFault::ErrorAfter, 0.1),
                (LineFault::ResetAfter, 0.1),
            ]
            .into(),
            ..LineFaults::default()
        },
        ..strangers(&bad)
    })
    .await;
    let consumer = world
        .consumer_with(&[("MULTICAST_PER_SECOND", "200"), ("RETRY_BASE_SECONDS", "0")])
        .await;
    world.publish(&delivery(&users(0..100))).await;
    for _ in 0..20 {
        let batch = world.batch().await;
        if batch.records.is_empty() {
            break;
        }
        let records = batch.records.clone();
        let handled = consumer.handle(batch, in_seconds(60)).await;
        for record in records {
            let failed = failures(&handled).contains(&record.message_id.as_deref().unwrap());
            if !failed {
                let request = world.sqs.delete_message().queue_url(&world.deliveries);
                let handle = record.receipt_handle.unwrap();
                request.receipt_handle(handle).send().await.unwrap();
            }
        }
    }
    assert!(world.batch().await.records.is_empty());
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (98, 0));
    assert_eq!((ledger.changed_under_key, ledger.without_retry_key), (0, 0));
    let set_aside: BTreeSet<String> = world
        .dead_letters()
        .await
        .iter()
        .flat_map(super::support::DeadLetter::recipients)
        .collect();
    assert_eq!(set_aside, bad.into_iter().collect());
}

#[tokio::test]
async fn an_environment_that_died_half_way_is_followed_by_one_that_doubles_nobody() {
    let bad = [user(5)];
    let world = World::with(strangers(&bad)).await;
    world.publish(&delivery(&users(0..64))).await;
    let batch = world.batch().await;
    // The first environment is dropped at the first outcome of any part.
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let first = world
        .consumer()
        .await
        .with_observer(move |_| told.send(()).unwrap());
    tokio::select! {
        _ = first.handle(batch.clone(), in_seconds(30)) => panic!("it was to die before"),
        _ = tells.recv() => {}
    }
    let before = world.line.ledger().accepted_recipients;
    assert!((1..63).contains(&before), "{before}");
    let second = world
        .consumer_with(&[("MULTICAST_PER_SECOND", "200")])
        .await;
    let handled = second.handle(batch, in_seconds(30)).await;
    assert!(failures(&handled).is_empty());
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (63, 0));
    assert!(ledger.already_accepted > 0);
}

#[tokio::test]
async fn bad_messages_are_not_split_since_no_split_helps() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let body = delivery_with(&users(0..500), |body| {
        body["messages"] = json!([{"type": "text", "text": ""}]);
    });
    let handled = world.handle(&consumer, std::slice::from_ref(&body)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body, body, "whole and unchanged");
    let asked: u64 = world.line.ledger().requests["multicast"].values().sum();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_refusal_that_passes_splits_nothing() {
    let asked = std::sync::atomic::AtomicU64::new(0);
    let line =
        Scripted::start(
            move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => said(400, r#"{"message":"Failed to send messages"}"#),
                _ => said(200, "{}"),
            },
        )
        .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let handled = world.handle(&consumer, &[delivery(&users(0..9))]).await;
    assert!(failures(&handled).is_empty());
    let keys: BTreeSet<String> = line
        .asked()
        .iter()
        .map(|asked| asked.header("x-line-retry-key").to_owned())
        .collect();
    assert_eq!((line.asked().len(), keys.len()), (2, 1));
}

#[tokio::test]
async fn a_refusal_whose_words_were_cut_off_splits_nothing() {
    let cut = "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"mess";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It answers once. Any further request would wait for ever.
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(cut.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &url)]).await;
    let handled = world.handle(&consumer, &[delivery(&users(0..4))]).await;
    assert!(
        asked
            .join()
            .unwrap()
            .starts_with("POST /v2/bot/message/multicast")
    );
    assert_eq!(failures(&handled).len(), 1);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_part_that_gets_no_answer_goes_back_as_a_delivery_of_its_own() {
    // LINE refuses the whole, accepts the right half and is down for the left one.
    let left = user(0);
    let line = Scripted::start(move |asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let to = body["to"].as_array().unwrap();
        match (to.len(), to[0] == json!(left)) {
            (4, _) => said(400, r#"{"message":"Failed to send messages"}"#),
            (_, true) => said(500, ""),
            _ => said(200, "{}"),
        }
    })
    .await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", &line.url),
            ("MULTICAST_PER_SECOND", "200"),
            ("RETRY_BASE_SECONDS", "0"),
        ])
        .await;
    let handled = world.handle(&consumer, &[delivery(&users(0..4))]).await;
    assert!(
        failures(&handled).is_empty(),
        "the whole is not asked again"
    );
    let batch = world.batch().await;
    let bodies: Vec<&str> = batch
        .records
        .iter()
        .map(|record| record.body.as_deref().unwrap())
        .collect();
    assert_eq!(bodies.len(), 1);
    let part: Value = serde_json::from_str(bodies[0]).unwrap();
    assert_eq!(part["recipients"], json!(users(0..2)));
}

#[tokio::test]
async fn where_a_part_cannot_go_back_the_whole_does() {
    let line = Scripted::start(move |asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        match body["to"].as_array().map(Vec::len) {
            Some(4) => said(
                400,
                r#"{"message":"The property, to[0], in the request body is invalid"}"#,
            ),
            _ => said(500, ""),
        }
    })
    .await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", &line.url),
            ("DELIVERY_QUEUE_URL", "http://127.0.0.1:1/0/gone"),
            ("RETRY_BASE_SECONDS", "0"),
        ])
        .await;
    let handled = world.handle(&consumer, &[delivery(&users(0..4))]).await;
    assert_eq!(failures(&handled).len(), 1);
}
