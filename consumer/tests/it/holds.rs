//! A channel on hold: no quota, or no token that it accepts.

use std::sync::atomic::{AtomicU64, Ordering};

use fanline_local::{LineFault, LineFaults, LineOptions};
use serde_json::json;

use crate::scripted::{Scripted, said};
use crate::support::{World, delivery, delivery_with, failures, in_seconds, metrics, user, users};

#[tokio::test]
async fn a_month_that_is_used_up_stops_the_channel_and_sets_the_rest_aside() {
    let world = World::with(LineOptions {
        monthly_quota: Some(3),
        ..LineOptions::default()
    })
    .await;
    let consumer = world.consumer().await;
    let bodies: Vec<String> = (0..3).map(|n| delivery(&[user(n)])).collect();
    assert!(failures(&world.handle(&consumer, &bodies).await).is_empty());

    let more: Vec<String> = (10..20).map(|n| delivery(&[user(n)])).collect();
    assert!(failures(&world.handle(&consumer, &more).await).is_empty());
    let asked = world.line.ledger().over_quota;
    assert!((1..=10).contains(&asked), "{asked}");
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 10);
    for letter in &letters {
        assert_eq!(letter.attribute("reason"), "quota");
        assert!(more.contains(&letter.body), "to be redriven as it is");
    }

    // A later batch makes no request.
    let later = world.handle(&consumer, &[delivery(&users(30..40))]).await;
    assert!(failures(&later).is_empty());
    assert_eq!(world.line.ledger().over_quota, asked);
    assert_eq!(metrics(&later)["hold"], 10);
    assert_eq!(world.dead_letters().await.len(), 1);
    assert_eq!(world.line.ledger().accepted_recipients, 3);
}

#[tokio::test]
async fn a_monthly_text_that_the_count_does_not_confirm_is_a_429_like_another() {
    let line = Scripted::start(|asked| match asked.path.as_str() {
        "/v2/bot/message/quota" => said(200, r#"{"type":"limited","value":1000}"#),
        "/v2/bot/message/quota/consumption" => said(200, r#"{"totalUsage":10}"#),
        _ => said(429, r#"{"message":"You have reached your monthly limit."}"#),
    })
    .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let bodies: Vec<String> = (0..5).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 5);
    assert!(world.dead_letters().await.is_empty());
    let questions = line
        .asked()
        .iter()
        .filter(|asked| asked.path == "/v2/bot/message/quota")
        .count();
    assert_eq!(questions, 1, "once in some seconds");
}

#[tokio::test]
async fn an_unknown_429_is_a_hold_where_the_count_says_so() {
    let line = Scripted::start(|asked| match asked.path.as_str() {
        "/v2/bot/message/quota" => said(200, r#"{"type":"limited","value":1000}"#),
        "/v2/bot/message/quota/consumption" => said(200, r#"{"totalUsage":1000}"#),
        _ => said(429, r#"{"message":"new words"}"#),
    })
    .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("reason"), "quota");
    assert_eq!(letters[0].attribute("status"), "429");
    assert_eq!(letters[0].attribute("line_message"), "new words");
}

#[tokio::test]
async fn an_unknown_429_without_a_count_is_a_429_like_another() {
    let line = Scripted::start(|asked| match asked.path.as_str() {
        "/v2/bot/message/push" => said(429, "?"),
        _ => said(500, ""),
    })
    .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_403_stops_the_channel_and_costs_nobody() {
    let world = World::with(LineOptions {
        faults: LineFaults {
            rates: [(LineFault::Forbidden, 1.0)].into(),
            ..LineFaults::default()
        },
        ..LineOptions::default()
    })
    .await;
    let consumer = world.consumer_with(&[("PUSH_PER_SECOND", "20")]).await;
    let bodies: Vec<String> = (0..10).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 10, "all come again");
    assert!(world.dead_letters().await.is_empty());
    let asked = world.line.ledger().faults["forbidden"];
    assert!(asked < 10, "{asked}: the hold stopped the batch's others");
    assert_eq!(metrics(&handled)["hold"], 10);

    // They wait for minutes, so that somebody can repair it.
    world.clock.advance(std::time::Duration::from_secs(290));
    assert_eq!(world.batch().await.records.len(), 0);
    world.clock.advance(std::time::Duration::from_secs(700));
    let batch = world.batch().await;
    assert_eq!(batch.records.len(), 10);
    consumer.handle(batch, in_seconds(30)).await;
    assert_eq!(world.line.ledger().faults["forbidden"], asked, "held still");
}

#[tokio::test]
async fn at_its_last_receive_a_held_delivery_is_set_aside_to_be_redriven() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_CHANNEL_ACCESS_TOKEN", ""),
            ("MAX_RECEIVE_COUNT", "2"),
        ])
        .await;
    let body = delivery(&[user(1)]);
    let handled = world.handle(&consumer, std::slice::from_ref(&body)).await;
    assert_eq!(failures(&handled).len(), 1);
    world.clock.advance(std::time::Duration::from_secs(901));
    let batch = world.batch().await;
    let handled = consumer.handle(batch, in_seconds(30)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("reason"), "unauthorized");
    assert_eq!(letters[0].attribute("receive_count"), "2");
    assert_eq!(letters[0].body, body);
    assert_eq!(world.line.ledger().accepted_requests, 0);
}

#[tokio::test]
async fn a_hold_of_line_does_not_stop_line_notify() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_CHANNEL_ACCESS_TOKEN", "")])
        .await;
    let notify = delivery_with(&["some-notify-token".into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] = json!([{"message": "hi"}]);
    });
    let handled = world
        .handle(&consumer, &[delivery(&[user(1)]), notify])
        .await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(world.line.ledger().accepted_recipients, 1);
}

#[tokio::test]
async fn an_expiring_delivery_is_not_held_past_its_end() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_CHANNEL_ACCESS_TOKEN", "")])
        .await;
    let body = delivery_with(&[user(1)], |body| {
        body["expires_at"] = json!(in_seconds(60));
    });
    let handled = world.handle(&consumer, &[body]).await;
    assert_eq!(failures(&handled).len(), 1);
    world.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(world.batch().await.records.len(), 1);
}

#[tokio::test]
async fn a_stray_429_is_not_worth_a_question_when_its_text_is_known() {
    let questions = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&questions);
    let line = Scripted::start(move |asked| {
        if asked.path.contains("quota") {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        said(
            429,
            r#"{"message":"The API rate limit has been exceeded. Try again later."}"#,
        )
    })
    .await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(questions.load(Ordering::Relaxed), 0);
}
