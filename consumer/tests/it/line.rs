//! One delivery of the channel `line`, and what becomes of it.

use std::io::{Read, Write};

use fanline_core::delivery::Delivery;
use fanline_local::{LineFault, LineFaults, LineOptions};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::scripted::{Scripted, said};
use crate::support::{
    TOKEN, World, delivery, delivery_with, failures, in_seconds, metrics, user, users,
};

#[tokio::test]
async fn a_request_is_the_deliverys_own_bytes_under_its_own_key() {
    let line = Scripted::start(|_| said(200, "{}")).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", &format!("{}/", line.url))])
        .await;
    let bodies = [delivery(&[user(1)]), delivery(&users(2..5))];
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let asked = line.asked();
    assert_eq!(asked.len(), 2);
    for body in bodies {
        let delivery = Delivery::decode(&body).unwrap();
        let request = asked
            .iter()
            .find(|asked| asked.body == delivery.request().body)
            .unwrap();
        let path = if delivery.recipients.len() == 1 {
            "/v2/bot/message/push"
        } else {
            "/v2/bot/message/multicast"
        };
        assert_eq!(request.path, path, "no double slash");
        assert_eq!(
            request.header("x-line-retry-key"),
            delivery.request().retry_key.to_string()
        );
        assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(request.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn every_fault_of_line_is_a_failure_and_the_second_attempt_settles_it() {
    for fault in [
        LineFault::ErrorBefore,
        LineFault::ErrorAfter,
        LineFault::SilenceBefore,
        LineFault::SilenceAfter,
        LineFault::ResetBefore,
        LineFault::ResetAfter,
        LineFault::RateLimit,
    ] {
        let options = LineOptions {
            faults: LineFaults {
                rates: [(fault, 1.0)].into(),
                silence_millis: 1_000,
                first_attempts: Some(1),
                ..LineFaults::default()
            },
            ..LineOptions::default()
        };
        let world = World::with(options).await;
        let consumer = world
            .consumer_with(&[
                ("REQUEST_TIMEOUT_SECONDS", "0.5"),
                ("RETRY_BASE_SECONDS", "0"),
            ])
            .await;
        let bodies = [delivery(&[user(1)]), delivery(&users(2..20))];
        let handled = world.handle(&consumer, &bodies).await;
        assert_eq!(failures(&handled).len(), 2, "{fault}");
        let batch = world.batch().await;
        assert_eq!(batch.records.len(), 2, "{fault}: not hidden");
        let handled = consumer.handle(batch, in_seconds(30)).await;
        assert!(failures(&handled).is_empty(), "{fault}");
        let ledger = world.line.ledger();
        assert_eq!(
            (ledger.accepted_recipients, ledger.duplicates),
            (19, 0),
            "{fault}"
        );
        assert_eq!(ledger.changed_under_key, 0);
    }
}

#[tokio::test]
async fn a_garbled_or_slow_answer_is_still_an_answer() {
    for fault in [LineFault::Garbled, LineFault::Slow] {
        let options = LineOptions {
            faults: LineFaults {
                rates: [(fault, 1.0)].into(),
                slow_millis: 300,
                ..LineFaults::default()
            },
            ..LineOptions::default()
        };
        let world = World::with(options).await;
        let consumer = world.consumer().await;
        let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
        assert!(failures(&handled).is_empty(), "{fault}");
        assert_eq!(metrics(&handled)["accepted"], 1);
    }
}

#[tokio::test]
async fn a_line_that_is_not_there_is_a_failure_and_nothing_is_said_to_be_sent() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", "http://127.0.0.1:1")])
        .await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
    let metrics = metrics(&handled);
    assert_eq!(
        (&metrics["accepted"], &metrics["retry"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn a_refused_push_is_set_aside_unchanged_with_its_reason() {
    let stranger = user(1);
    let world = World::with(LineOptions {
        unknown: [stranger.clone()].into(),
        ..LineOptions::default()
    })
    .await;
    let consumer = world.consumer().await;
    let body = delivery(&[stranger]);
    let handled = world.handle(&consumer, std::slice::from_ref(&body)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}")
    };
    assert_eq!(letter.body, body);
    assert_eq!(letter.attribute("reason"), "refused");
    assert_eq!(letter.attribute("status"), "400");
    assert_eq!(letter.attribute("line_message"), "Failed to send messages");
    assert_eq!(letter.attribute("run"), "xmas@2026-12-25T00:00:00Z");
    assert_eq!(letter.attribute("receive_count"), "1");
    assert!(!letter.attribute("request_id").is_empty());
}

#[tokio::test]
async fn lines_words_in_a_dead_letter_name_nobody() {
    let line = Scripted::start(|asked| {
        let text = asked.text();
        let to = text.split('"').nth(3).unwrap();
        said(404, &format!(r#"{{"message":"no such user: {to}"}}"#))
    })
    .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let handled = world
        .handle(
            &consumer,
            &[delivery(&[user(1)]), delivery(&["bob".into()])],
        )
        .await;
    assert!(failures(&handled).is_empty());
    for letter in world.dead_letters().await {
        assert_eq!(letter.attribute("line_message"), "no such user: …");
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_and_the_status_counts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        let head = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("1000\r\n{}\r\n", "no end ".repeat(1_000).split_at(4_096).0);
        // It ends when the consumer closes the connection.
        let chunks = (0..).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok());
        chunks.count() * chunk.len()
    });
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &url)]).await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("status"), "404");
    assert!(
        letters[0]
            .attribute("line_message")
            .starts_with("no end no end")
    );
    // 64 KiB, and what the sockets of both sides can hold.
    assert!(sent.join().unwrap() < 32 * 1024 * 1024);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Scripted::start(|_| said(200, "{}")).await;
    let location = elsewhere.url.clone();
    let line =
        Scripted::start(move |_| (307, vec![("location", location.clone())], Vec::new())).await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_has_expired_or_is_older_than_its_key_is_set_aside_and_not_sent() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let now = Timestamp::now();
    let hours = SignedDuration::from_hours;
    let expired = delivery_with(&[user(1)], |body| {
        body["expires_at"] = json!(now - SignedDuration::from_secs(1));
    });
    let forgotten = delivery_with(&users(2..5), |body| {
        body["started_at"] = json!(now - hours(23) - SignedDuration::from_secs(1));
    });
    let in_time = delivery_with(&[user(6)], |body| {
        body["started_at"] = json!(now - hours(22));
        body["expires_at"] = json!(now + hours(1));
    });
    let handled = world
        .handle(&consumer, &[expired.clone(), forgotten.clone(), in_time])
        .await;
    assert!(failures(&handled).is_empty());
    assert_eq!(world.line.ledger().accepted_recipients, 1);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 2);
    for (body, reason) in [(expired, "expired"), (forgotten, "unknown")] {
        let letter = letters.iter().find(|letter| letter.body == body).unwrap();
        assert_eq!(letter.attribute("reason"), reason);
    }
    let metrics = metrics(&handled);
    assert_eq!(metrics["expired"], 1);
    assert_eq!(metrics["unknown"], 3);
}

#[tokio::test]
async fn four_environments_at_full_speed_do_not_pass_lines_limit() {
    let world = World::with(LineOptions {
        // The bucket holds a quarter of a second: a fifth of what is sent here.
        burst_seconds: 0.25,
        ..LineOptions::default()
    })
    .await;
    for n in 0..240 {
        world.publish(&delivery(&users(n * 2..n * 2 + 2))).await;
    }
    let began = std::time::Instant::now();
    let environments = (0..4).map(|_| async {
        let share = [("MULTICAST_PER_SECOND", "50")];
        let consumer = world.consumer_with(&share).await;
        loop {
            let batch = world.batch().await;
            if batch.records.is_empty() {
                break;
            }
            let handled = consumer.handle(batch, in_seconds(30)).await;
            assert!(failures(&handled).is_empty());
        }
    });
    join_all(environments).await;
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_requests, ledger.rate_limited), (240, 0));
    assert!(
        began.elapsed().as_secs_f64() > 1.0,
        "200 a second and no faster"
    );
}

#[tokio::test]
async fn a_429_lowers_the_pace() {
    let world = World::with(LineOptions {
        faults: LineFaults {
            rates: [(LineFault::RateLimit, 1.0)].into(),
            ..LineFaults::default()
        },
        ..LineOptions::default()
    })
    .await;
    let consumer = world.consumer().await;
    let bodies: Vec<String> = (0..10).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    let metrics = metrics(&handled);
    assert_eq!(metrics["too_fast"], 10);
    let pace = metrics["pace_push"].as_f64().unwrap();
    assert!(pace < 80.0, "{pace}");
    assert_eq!(world.line.ledger().accepted_recipients, 0);
}
