//! A channel on hold: no quota, or no token that it accepts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanline_local::LineOptions;
use serde_json::json;

use crate::scripted::{Scripted, accepted, said};
use crate::support::{
    World, delivery, delivery_with, departures_for, failures, in_seconds, metrics, user, users,
};

fn with_quota(people: u64) -> LineOptions {
    LineOptions {
        monthly_quota: Some(people),
        ..LineOptions::default()
    }
}

#[tokio::test]
async fn a_delivery_that_does_not_fit_the_month_is_set_aside_and_those_that_fit_are_sent() {
    let world = World::with(with_quota(10)).await;
    let consumer = world.consumer().await;
    let first: Vec<String> = (0..5).map(|n| delivery(&[user(n)])).collect();
    assert!(failures(&world.handle(&consumer, &first).await).is_empty());

    let large = delivery(&users(100..110));
    let more: Vec<String> = (10..14).map(|n| delivery(&[user(n)])).collect();
    let batch = [std::slice::from_ref(&large), &more].concat();
    let handled = world.handle(&consumer, &batch).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["accepted"], 4);
    assert_eq!(metrics(&handled)["holds"], 0);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].attribute("reason"), "quota");
    assert_eq!(letters[0].body, large, "to be redriven as it is");
}

#[tokio::test]
async fn a_month_with_nothing_left_stops_the_channel_and_its_records_come_again() {
    let world = World::with(with_quota(3)).await;
    let consumer = world.consumer_with(&[("MAX_RECEIVE_COUNT", "2")]).await;
    let bodies: Vec<String> = (0..3).map(|n| delivery(&[user(n)])).collect();
    assert!(failures(&world.handle(&consumer, &bodies).await).is_empty());
    world.purge().await;

    let more: Vec<String> = (10..20).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle_for(1, &consumer, &more).await;
    assert_eq!(failures(&handled).len(), 10);
    assert_eq!(metrics(&handled)["holds"], 1);
    let asked = world.line.ledger().over_quota;
    assert!((1..=10).contains(&asked), "{asked}");
    assert!(world.dead_letters().await.is_empty());

    // At their last receive they are set aside. No request is made.
    world.clock.advance(Duration::from_secs(61));
    let batch = world.batch().await;
    assert_eq!(batch.records.len(), 10, "hidden for a minute at most");
    let handled = consumer.handle(batch, departures_for(0)).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["hold"], 10);
    assert_eq!(world.line.ledger().over_quota, asked);
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 10);
    for letter in &letters {
        assert_eq!(letter.attribute("reason"), "quota");
        assert!(more.contains(&letter.body));
    }
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
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", &line.url), ("MAX_RECEIVE_COUNT", "1")])
        .await;
    let one = [delivery(&[user(1)])];
    let handled = world.handle_for(1, &consumer, &one).await;
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

/// A LINE that answers 403 to the runs with these texts.
async fn forbidding(texts: &'static [&'static str]) -> Scripted {
    Scripted::start(move |asked| {
        let body = asked.text();
        if texts.iter().any(|text| body.contains(text)) {
            said(403, r#"{"message":"Not authorized"}"#)
        } else {
            accepted()
        }
    })
    .await
}

fn of_run(run: &str, n: usize) -> String {
    delivery_with(&[user(n)], |body| {
        body["run"] = json!(run);
        body["messages"] = json!([{"type": "text", "text": run}]);
    })
}

#[tokio::test]
async fn the_403s_of_one_run_stop_no_other() {
    let line = forbidding(&["wrong"]).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_API_BASE", &line.url), ("MAX_RECEIVE_COUNT", "2")])
        .await;
    let mut bodies: Vec<String> = (0..5).map(|n| of_run("wrong", n)).collect();
    bodies.extend((5..10).map(|n| of_run("right", n)));
    let handled = world.handle(&consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 5);
    assert_eq!(metrics(&handled)["accepted"], 5);
    assert_eq!(metrics(&handled)["holds"], 0);

    world.clock.advance(Duration::from_secs(61));
    let mut batch = world.batch().await;
    // Nobody has deleted what was acknowledged.
    let is_of_wrong = |body: &str| body.contains(r#""run":"wrong""#);
    batch
        .records
        .retain(|one| one.body.as_deref().is_some_and(is_of_wrong));
    assert_eq!(batch.records.len(), 5, "within a minute");
    let handled = consumer.handle(batch, departures_for(1)).await;
    assert!(failures(&handled).is_empty(), "their last receive");
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 5);
    for letter in letters {
        assert_eq!(letter.attribute("reason"), "unauthorized");
        assert_eq!(letter.attribute("status"), "403");
    }
}

#[tokio::test]
async fn the_403s_of_two_runs_stop_the_channel() {
    let line = forbidding(&["one", "two"]).await;
    let world = World::start().await;
    let consumer = world.consumer_with(&[("LINE_API_BASE", &line.url)]).await;
    let bodies = [of_run("one", 0), of_run("two", 1)];
    let handled = world.handle_for(1, &consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 2);
    assert_eq!(metrics(&handled)["holds"], 1);
    let asked = line.asked().len();
    world.purge().await;
    let handled = world.handle_for(1, &consumer, &[of_run("three", 2)]).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(line.asked().len(), asked, "on hold");
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
    let one = std::slice::from_ref(&body);
    let handled = world.handle_for(1, &consumer, one).await;
    assert_eq!(failures(&handled).len(), 1);
    world.clock.advance(Duration::from_secs(61));
    let batch = world.batch().await;
    let handled = consumer.handle(batch, departures_for(1)).await;
    assert!(failures(&handled).is_empty());
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].attribute("reason"), "unauthorized");
    assert_eq!(letters[0].attribute("receive_count"), "2");
    assert_eq!(letters[0].body, body);
    assert_eq!(world.line.ledger().accepted_requests, 0);
}

#[tokio::test]
async fn without_a_token_a_batch_goes_to_others_at_once_while_the_environment_stays_busy() {
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[("LINE_CHANNEL_ACCESS_TOKEN", "")])
        .await;
    world.publish(&delivery(&[user(1)])).await;
    let batch = world.batch().await;
    let deadline = departures_for(5);
    let handling = tokio::spawn(async move { consumer.handle(batch, deadline).await });
    // The visibility timeout of the queue is 30 seconds.
    let step = Duration::from_millis(100);
    let mut again = world.batch().await;
    for _ in 0..200 {
        if !again.records.is_empty() {
            break;
        }
        world.clock.advance(step);
        tokio::time::sleep(step / 10).await;
        again = world.batch().await;
    }
    assert_eq!(again.records.len(), 1, "within 20 seconds");
    assert!(!handling.is_finished());
    assert_eq!(failures(&handling.await.unwrap()).len(), 1);
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
        .handle_for(1, &consumer, &[delivery(&[user(1)]), notify])
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
    let handled = world.handle_for(1, &consumer, &[body]).await;
    assert_eq!(failures(&handled).len(), 1);
    world.clock.advance(Duration::from_mins(1));
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
