//! What an operator says of a run, and what becomes of its deliveries in hand.

use std::time::Duration;

use aws_sdk_sqs::types::Message;
use fanline_core::delivery::Delivery;
use fanline_ledger::{CellReason, Departed, Lane, Pace, PauseMode};
use fanline_local::LineOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::controlled::{Controlled, OTHER, RUN, of};
use crate::scripted::{Scripted, accepted, said};
use crate::support::{delivery_with, failures, metrics, receive, user, users};

async fn start() -> Controlled {
    Controlled::start(LineOptions::default()).await
}

fn body(message: &Message) -> Value {
    serde_json::from_str(message.body.as_deref().unwrap()).unwrap()
}

#[tokio::test]
async fn an_open_run_is_sent_and_so_is_one_that_nobody_entered() {
    let controlled = start().await;
    let consumer = controlled.consumer().await;
    let bodies = [of(RUN, "1:0", &[user(1)]), of("by-hand", "1:0", &[user(2)])];
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(controlled.world.line.ledger().accepted_recipients, 2);
    assert!(metrics(&handled)["control_age"].as_f64().unwrap() < 5.0);
    controlled.remove();
    let handled = controlled
        .handle_for(20, &consumer, &[of(RUN, "1:1", &[user(3)])])
        .await;
    assert!(failures(&handled).is_empty(), "nothing is controlled");
}

#[tokio::test]
async fn a_paused_run_waits_in_hand_until_it_is_resumed() {
    let controlled = start().await;
    controlled.cancel_the_other().await;
    controlled.edit(|edit| edit.pause(RUN, None)).await;
    let consumer = controlled.consumer().await;
    let bodies = [of(RUN, "1:0", &[user(1)]), of(RUN, "1:1", &users(5..9))];
    let handling = controlled.handle_for(20, &consumer, &bodies);
    tokio::pin!(handling);
    let waits = tokio::time::timeout(Duration::from_millis(500), &mut handling).await;
    assert!(waits.is_err(), "it was to wait");
    assert_eq!(controlled.requests(), 0);
    assert!(!consumer.takes_more(Lane::Bulk));
    controlled.edit(|edit| edit.resume(RUN)).await;
    let handled = handling.await;
    assert!(failures(&handled).is_empty());
    assert_eq!(controlled.world.line.ledger().accepted_recipients, 5);
    assert!(consumer.takes_more(Lane::Bulk));
}

#[tokio::test]
async fn what_is_paused_too_long_is_handed_back_and_hidden_for_half_a_minute() {
    let controlled = start().await;
    controlled
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    let consumer = controlled.consumer().await;
    let bodies = [of(RUN, "1:0", &[user(1)]), of(OTHER, "1:0", &[user(2)])];
    let handled = controlled.handle_for(1, &consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 1);
    let metrics = metrics(&handled);
    assert_eq!(
        (&metrics["paused"], &metrics["hold"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(metrics["retry_share"], 0.0, "no fault of LINE");
    assert_eq!(controlled.requests(), 1, "the other run goes on");
    let clock = &controlled.world.clock;
    clock.advance(Duration::from_secs(12));
    assert!(controlled.world.batch().await.records.is_empty());
    clock.advance(Duration::from_secs(20));
    let batch = controlled.world.batch().await;
    assert!(!batch.records.is_empty());
}

#[tokio::test]
async fn a_cancelled_delivery_is_acknowledged_without_a_dead_letter_expired_or_not() {
    let controlled = start().await;
    controlled.edit(|edit| edit.cancel(RUN)).await;
    let consumer = controlled.consumer().await;
    let expired = delivery_with(&[user(3)], |body| {
        body["at"] = json!("1:2");
        body["expires_at"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    });
    let bodies = [
        of(RUN, "1:0", &[user(1)]),
        of(RUN, "1:1", &users(5..9)),
        expired,
    ];
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(controlled.requests(), 0);
    assert!(controlled.world.dead_letters().await.is_empty());
    assert_eq!(metrics(&handled)["cancelled"], 6);
    let messages = controlled.messages().await;
    assert_eq!(messages[0].outcomes.len(), 3);
    for outcome in &messages[0].outcomes {
        assert_eq!(outcome.reason, CellReason::Cancelled);
        assert_eq!((outcome.receives, outcome.departed), (1, Departed::No));
        assert!(!outcome.cell().is_perhaps_taken());
    }
}

#[tokio::test]
async fn a_copy_that_was_perhaps_taken_is_cancelled_with_that_doubt() {
    let controlled = start().await;
    controlled.edit(|edit| edit.cancel(RUN)).await;
    let consumer = controlled.consumer().await;
    let copy = delivery_with(&[user(1)], |body| {
        body["at"] = json!("1:0");
        body["perhaps_taken"] = json!(true);
    });
    controlled.handle_for(20, &consumer, &[copy]).await;
    let messages = controlled.messages().await;
    assert!(messages[0].outcomes[0].cell().is_perhaps_taken());
}

#[tokio::test]
async fn a_run_that_is_paused_beside_another_one_is_parked_as_it_is() {
    let controlled = start().await;
    controlled.edit(|edit| edit.pause(RUN, None)).await;
    let consumer = controlled.consumer().await;
    let parked = of(RUN, "1:0", &[user(1)]);
    let bodies = [parked.clone(), of(OTHER, "1:0", &[user(2)])];
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["parked"], 1);
    assert_eq!(controlled.requests(), 1);
    let messages = receive(&controlled.world.sqs, &controlled.parked).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body.as_deref(), Some(parked.as_str()));
    let attributes = messages[0].message_attributes.as_ref().unwrap();
    assert_eq!(attributes["run"].string_value.as_deref(), Some(RUN));
    let messages = controlled.messages().await;
    assert!(messages.iter().all(|message| message.run == OTHER));
}

#[tokio::test]
async fn a_parked_delivery_that_came_before_says_that_it_was_perhaps_taken() {
    let controlled = start().await;
    let consumer = controlled.consumer().await;
    controlled
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    let bodies = [of(RUN, "1:0", &[user(1)])];
    controlled.handle_for(0, &consumer, &bodies).await;
    controlled
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Park)))
        .await;
    controlled.world.clock.advance(Duration::from_mins(1));
    let batch = controlled.world.batch().await;
    assert_eq!(batch.records.len(), 1);
    let handled = consumer
        .handle(batch, crate::support::departures_for(20))
        .await;
    assert!(failures(&handled).is_empty());
    let messages = receive(&controlled.world.sqs, &controlled.parked).await;
    let body = body(&messages[0]);
    assert_eq!(
        (&body["perhaps_taken"], &body["at"]),
        (&json!(true), &json!("1:0"))
    );
}

#[tokio::test]
async fn where_nothing_can_be_parked_it_waits() {
    let controlled = start().await;
    controlled.edit(|edit| edit.pause(RUN, None)).await;
    let consumer = controlled.consumer_with(&[("PARKED_QUEUE_URL", "")]).await;
    let handled = controlled
        .handle_for(1, &consumer, &[of(RUN, "1:0", &[user(1)])])
        .await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(controlled.requests(), 0);
}

#[tokio::test]
async fn at_its_last_receive_a_paused_delivery_is_replaced_by_a_copy() {
    let controlled = start().await;
    controlled
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    let consumer = controlled
        .consumer_with(&[("MAX_RECEIVE_COUNT", "1")])
        .await;
    let handled = controlled
        .handle_for(0, &consumer, &[of(RUN, "1:0", &[user(1)])])
        .await;
    assert!(failures(&handled).is_empty(), "SQS would set it aside");
    controlled.world.clock.advance(Duration::from_hours(1));
    let messages = receive(&controlled.world.sqs, &controlled.world.deliveries).await;
    assert_eq!(
        messages.len(),
        2,
        "the record, which is acknowledged, and its copy"
    );
    for message in &messages {
        let body = body(message);
        assert_eq!(body["at"], "1:0");
        assert_eq!(body["perhaps_taken"], Value::Null, "no request departed");
    }
    assert!(controlled.world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_was_extended_is_sent_under_the_same_key() {
    let line = Scripted::start(|_| accepted()).await;
    let controlled = start().await;
    let expired = delivery_with(&[user(1)], |body| {
        body["at"] = json!("1:0");
        body["expires_at"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    });
    let until = Timestamp::now() + SignedDuration::from_hours(2);
    controlled.edit(|edit| edit.extend(RUN, until)).await;
    let consumer = controlled
        .consumer_with(&[("LINE_API_BASE", &line.url)])
        .await;
    let bodies = [expired.clone()];
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let asked = line.asked();
    let request = Delivery::decode(&expired).unwrap().request();
    assert_eq!(
        asked[0].header("x-line-retry-key"),
        request.retry_key.to_string()
    );
    assert_eq!(asked[0].text(), request.body);
}

#[tokio::test]
async fn a_fault_after_the_old_end_is_retried_until_the_new_one() {
    let line = Scripted::start(|_| said(500, "{}")).await;
    let controlled = start().await;
    let until = Timestamp::now() + SignedDuration::from_hours(2);
    controlled.edit(|edit| edit.extend(RUN, until)).await;
    let consumer = controlled
        .consumer_with(&[("LINE_API_BASE", &line.url)])
        .await;
    let expired = delivery_with(&[user(1)], |body| {
        body["expires_at"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    });
    let handled = controlled.handle_for(20, &consumer, &[expired]).await;
    assert_eq!(failures(&handled).len(), 1, "it comes again");
    assert!(controlled.world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn the_last_object_that_was_read_holds_when_somebody_spoils_it() {
    let controlled = start().await;
    controlled.cancel_the_other().await;
    controlled.edit(|edit| edit.pause(RUN, None)).await;
    let consumer = controlled.consumer().await;
    controlled.spoil();
    let bodies = [of(RUN, "1:0", &[user(1)])];
    let handled = controlled.handle_for(2, &consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(controlled.requests(), 0);
    assert!(metrics(&handled)["control_age"].as_f64().unwrap() >= 2.0);
}

#[tokio::test]
async fn an_environment_that_never_read_it_sends_nothing() {
    let controlled = start().await;
    controlled.spoil();
    let consumer = controlled.consumer().await;
    let bodies = [of(RUN, "1:0", &[user(1)]), of("by-hand", "1:0", &[user(2)])];
    let handled = controlled.handle_for(1, &consumer, &bodies).await;
    assert_eq!(failures(&handled).len(), 2);
    assert_eq!(controlled.requests(), 0);
    assert!(controlled.world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_store_that_does_not_answer_costs_the_cold_start_a_second() {
    let store = Scripted::start(|_| crate::scripted::silence()).await;
    let mut controlled = start().await;
    controlled.world.config = crate::support::sdk_config(&store.url);
    let began = std::time::Instant::now();
    let uri = ("CONTROL_URI", "s3://state/control/control.json");
    let consumer = controlled.consumer_with(&[uri]).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(store.asked()[0].path, "/state/control/control.json");
    drop(consumer);
}

#[tokio::test]
async fn a_pace_is_divided_by_the_environments() {
    let controlled = start().await;
    let pace = Pace {
        push: Some(100),
        multicast: None,
    };
    controlled.edit(|edit| edit.set_pace(pace)).await;
    let consumer = controlled
        .consumer_with(&[("PUSH_PER_SECOND", "1000"), ("MULTICAST_PER_SECOND", "100")])
        .await;
    let bodies: Vec<String> = (0..8)
        .map(|n| of(RUN, &format!("1:{n}"), &[user(n)]))
        .collect();
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    let metrics = metrics(&handled);
    let pace = metrics["pace_push"].as_f64().unwrap();
    assert!((9.0..=10.0).contains(&pace), "{pace}");
    let pace = metrics["pace_multicast"].as_f64().unwrap();
    assert!((90.0..=100.0).contains(&pace), "its own share: {pace}");
    let first_and_last = receipts(&controlled, 8);
    let took = first_and_last.1.duration_since(first_and_last.0);
    assert!(took >= SignedDuration::from_millis(600), "{took:?}");
    controlled.edit(|edit| edit.set_pace(Pace::default())).await;
    let bodies: Vec<String> = (10..18)
        .map(|n| of(RUN, &format!("1:{n}"), &[user(n)]))
        .collect();
    let handled = controlled.handle_for(20, &consumer, &bodies).await;
    assert!(
        crate::support::metrics(&handled)["pace_push"]
            .as_f64()
            .unwrap()
            > 500.0
    );
}

/// When LINE accepted the first and the last of so many people.
fn receipts(controlled: &Controlled, people: usize) -> (Timestamp, Timestamp) {
    let all = users(0..people);
    let times = all
        .iter()
        .flat_map(|one| controlled.world.line.receipts(one))
        .map(|receipt| receipt.at);
    let times: Vec<Timestamp> = times.collect();
    (*times.iter().min().unwrap(), *times.iter().max().unwrap())
}
