//! The channel `line-notify`.

use std::time::Duration;

use fanline_local::{LineFault, LineFaults, LineOptions};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::scripted::{Scripted, said, silence};
use crate::support::{World, delivery_with, failures, in_seconds, metrics, sdk_config};

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest of a picture";

fn message(token: &str, message: &Value) -> String {
    delivery_with(&[token.into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] = json!([message]);
    })
}

fn faulty(fault: LineFault) -> LineOptions {
    LineOptions {
        faults: LineFaults {
            rates: [(fault, 1.0)].into(),
            silence_millis: 1_000,
            ..LineFaults::default()
        },
        ..LineOptions::default()
    }
}

#[tokio::test]
async fn a_message_is_a_form_and_the_token_its_recipient() {
    let server = Scripted::start(|_| said(200, r#"{"status":200,"message":"ok"}"#)).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", &server.url)])
        .await;
    let body = delivery_with(&[TOKEN.into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] =
            json!([{"message": "早安 & more", "sticker_package_id": 446, "sticker_id": 1988}]);
        body["notification_disabled"] = json!(true);
    });
    let handled = world.handle(&consumer, &[body]).await;
    assert!(failures(&handled).is_empty());
    let asked = server.asked();
    let [asked] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(asked.path, "/api/notify");
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(
        asked.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        asked.header("x-line-retry-key"),
        "",
        "there is no such thing"
    );
    assert_eq!(
        asked.text(),
        "message=%E6%97%A9%E5%AE%89+%26+more&stickerPackageId=446&stickerId=1988&notificationDisabled=true"
    );
}

#[tokio::test]
async fn an_image_from_s3_is_fetched_once_and_uploaded_with_each_message() {
    let s3 = Scripted::start(|asked| {
        assert_eq!(asked.path, "/bucket/dir/picture.png");
        (200, vec![], PNG.to_vec())
    })
    .await;
    let server = Scripted::start(|_| said(200, "{}")).await;
    let mut world = World::start().await;
    world.config = sdk_config(&s3.url);
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", &server.url)])
        .await;
    let bodies: Vec<String> = (0..4)
        .map(|n| {
            let file = json!({"message": "look", "image_file": "s3://bucket/dir/picture.png"});
            message(&format!("{TOKEN}{n}"), &file)
        })
        .collect();
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(s3.asked().len(), 1);
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    for asked in asked {
        assert!(
            asked
                .header("content-type")
                .starts_with("multipart/form-data")
        );
        let text = asked.text();
        assert!(text.contains(r#"name="message""#) && text.contains("look"));
        assert!(
            text.contains(r#"name="imageFile"; filename="image.png""#),
            "{text}"
        );
        assert!(text.contains("Content-Type: image/png"), "{text}");
        assert!(asked.body.windows(PNG.len()).any(|part| part == PNG));
    }
}

#[tokio::test]
async fn a_file_that_is_no_picture_never_leaves_the_machine() {
    let server = Scripted::start(|_| said(200, "{}")).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", &server.url)])
        .await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let handled = world
        .handle(
            &consumer,
            &[
                message("a", &json!({"message": "x", "image_file": file})),
                message(
                    "b",
                    &json!({"message": "x", "image_file": "/nowhere/at/all.png"}),
                ),
                message("c", &json!({"text": "not a LINE Notify message"})),
            ],
        )
        .await;
    assert!(failures(&handled).is_empty());
    assert!(server.asked().is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 3);
    assert!(
        letters
            .iter()
            .all(|letter| letter.attribute("reason") == "refused")
    );
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_and_the_others_go_on() {
    let world = World::with(LineOptions {
        revoked: ["gone".to_owned()].into(),
        ..LineOptions::default()
    })
    .await;
    let consumer = world.consumer().await;
    let bodies = [
        message("gone", &json!({"message": "x"})),
        message("here", &json!({"message": "x"})),
    ];
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body, bodies[0]);
    assert_eq!(letters[0].attribute("status"), "401");
    assert_eq!(world.line.ledger().accepted_recipients, 1);
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_set_aside_with_that_reason() {
    let world = World::start().await;
    let consumer = world.consumer().await;
    let bodies = ["トークン", "two words"].map(|token| message(token, &json!({"message": "x"})));
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert_eq!(letter.attribute("reason"), "refused");
        assert_eq!(
            letter.attribute("line_message"),
            "no HTTP header can hold the token"
        );
    }
}

#[tokio::test]
async fn a_spent_token_waits_until_its_reset() {
    let reset = Timestamp::now() + SignedDuration::from_secs(600);
    let server = Scripted::start(move |_| {
        let headers = vec![
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", reset.as_second().to_string()),
        ];
        (200, headers, b"{}".to_vec())
    })
    .await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", &server.url)])
        .await;
    let first = message(TOKEN, &json!({"message": "one"}));
    assert!(failures(&world.handle(&consumer, &[first]).await).is_empty());
    let second = message(TOKEN, &json!({"message": "two"}));
    let handled = world.handle(&consumer, &[second]).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(server.asked().len(), 1, "not even asked");
    // The first one was not deleted here, so it comes again too, after its own 30 seconds.
    world.clock.advance(Duration::from_secs(590));
    let early = world.batch().await;
    assert!(
        early
            .records
            .iter()
            .all(|record| !record.body.as_deref().unwrap().contains("two"))
    );
    world.clock.advance(Duration::from_secs(20));
    let later = world.batch().await;
    assert!(
        later
            .records
            .iter()
            .any(|record| record.body.as_deref().unwrap().contains("two"))
    );
}

#[tokio::test]
async fn an_answer_that_never_came_is_asked_again_or_parked_as_the_campaign_says() {
    for fault in [
        LineFault::ErrorBefore,
        LineFault::SilenceAfter,
        LineFault::ResetAfter,
    ] {
        let world = World::with(faulty(fault)).await;
        let consumer = world
            .consumer_with(&[("REQUEST_TIMEOUT_SECONDS", "0.5")])
            .await;
        let retry = message("a", &json!({"message": "x"}));
        let park = delivery_with(&["b".into()], |body| {
            body["channel"] = json!("line-notify");
            body["messages"] = json!([{"message": "x"}]);
            body["on_unknown"] = json!("park");
        });
        let handled = world.handle(&consumer, &[retry, park.clone()]).await;
        assert_eq!(failures(&handled).len(), 1, "{fault}");
        let letters = world.dead_letters().await;
        assert_eq!(letters.len(), 1, "{fault}");
        assert_eq!(letters[0].body, park);
        assert_eq!(letters[0].attribute("reason"), "unknown");
        assert_eq!(metrics(&handled)["unknown"], 1);
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_is_asked_again_even_where_the_campaign_parks() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", "http://127.0.0.1:1")])
        .await;
    let park = delivery_with(&["b".into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] = json!([{"message": "x"}]);
        body["on_unknown"] = json!("park");
    });
    world.publish(&park).await;
    let batch = world.batch().await;
    let handled = consumer.handle(batch, in_seconds(30)).await;
    assert_eq!(failures(&handled).len(), 1);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_comes_again_goes_alone_so_that_its_end_doubles_nobody() {
    let server = Scripted::start(|asked| {
        if asked.header("authorization").ends_with("deadly") {
            silence()
        } else {
            said(200, "{}")
        }
    })
    .await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_NOTIFY_API_BASE", &server.url)])
        .await;
    let one = |token: &str| message(token, &json!({"message": "x"}));
    for token in ["a", "b", "deadly", "c", "d"] {
        world.publish(&one(token)).await;
    }
    // The environment that had them is gone.
    assert_eq!(world.batch().await.records.len(), 5);
    world.clock.advance(Duration::from_secs(31));
    world.publish(&one("new")).await;
    let batch = world.batch().await;
    assert_eq!(batch.records.len(), 6);
    let handling = tokio::spawn(async move { consumer.handle(batch, in_seconds(30)).await });
    let sent = || -> Vec<String> {
        let asked = server.asked();
        let tokens = asked.iter().map(|asked| asked.header("authorization"));
        tokens.map(|token| token.replace("Bearer ", "")).collect()
    };
    while !sent().contains(&"deadly".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // This one ends, too.
    handling.abort();
    let sent = sent();
    assert_eq!(sent.first().map(String::as_str), Some("new"));
    assert_eq!(sent.last().map(String::as_str), Some("deadly"));
    let may_come_again = 6 - (sent.len() as u64 - 1);
    assert_eq!(world.left().await, may_come_again, "{sent:?}");
}
