//! What the ledger is told: outcome messages on a queue.

use std::sync::atomic::{AtomicU64, Ordering};

use fanline_consumer::{Consumer, Handled};
use fanline_ledger::{CellReason, DeliveryOutcome, Departed, OutcomeMessage, Standing};
use fanline_local::{LineFault, LineFaults, LineOptions};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scripted::{Scripted, said};
use crate::support::{
    World, delivery, delivery_with, departures_for, failures, metrics, receive, user, users,
};

const RUN: &str = "xmas@2026-12-25T00:00:00Z";
const NOTIFY_TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456";

/// A world with an outcome queue.
struct Ledger {
    world: World,
    outcomes: String,
}

impl Ledger {
    async fn start(options: LineOptions) -> Self {
        let world = World::with(options).await;
        let queue = world.sqs.create_queue().queue_name("outcomes");
        let outcomes = queue.send().await.unwrap().queue_url.unwrap();
        Self { world, outcomes }
    }

    async fn consumer(&self) -> Consumer {
        let queue = [("OUTCOME_QUEUE_URL", self.outcomes.as_str())];
        self.world.consumer_with(&queue).await
    }

    /// A consumer whose outcome queue is not there.
    async fn unheard(&self) -> Consumer {
        let queue = format!("{}-gone", self.outcomes);
        self.world
            .consumer_with(&[("OUTCOME_QUEUE_URL", &queue)])
            .await
    }

    /// What is on the outcome queue.
    async fn messages(&self) -> Vec<OutcomeMessage> {
        let messages = receive(&self.world.sqs, &self.outcomes).await;
        let bodies = messages.iter().map(|message| message.body.as_deref());
        bodies
            .map(|body| OutcomeMessage::decode(body.unwrap()).unwrap())
            .collect()
    }

    /// The deliveries that were put back as messages of their own.
    async fn copies(&self) -> Vec<Value> {
        later(&self.world);
        let messages = receive(&self.world.sqs, &self.world.deliveries).await;
        let bodies = messages.iter().map(|message| message.body.as_deref());
        let bodies = bodies.map(|body| serde_json::from_str(body.unwrap()).unwrap());
        bodies
            .filter(|body: &Value| body["perhaps_taken"] == true)
            .collect()
    }

    /// The outcomes of the only message.
    async fn outcomes(&self) -> Vec<DeliveryOutcome> {
        let messages = self.messages().await;
        let [message] = messages.as_slice() else {
            panic!("{messages:?}")
        };
        assert_eq!(message.run, RUN);
        message.outcomes.clone()
    }
}

fn at(place: &str, recipients: &[String]) -> String {
    delivery_with(recipients, |body| body["at"] = json!(place))
}

fn place(outcome: &DeliveryOutcome) -> String {
    match &outcome.standing {
        Standing::At(at) => at.to_string(),
        Standing::Loose(_) => "loose".into(),
    }
}

/// Place, people, reason and status of each, in the order of their places.
fn in_short(outcomes: &[DeliveryOutcome]) -> Vec<(String, u16, CellReason, Option<u16>)> {
    let mut all: Vec<_> = outcomes
        .iter()
        .map(|one| (place(one), one.people, one.reason, one.status))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// All records become visible at once.
fn later(world: &World) {
    world.clock.advance(std::time::Duration::from_hours(1));
}

async fn again(ledger: &Ledger, consumer: &Consumer) -> Handled {
    later(&ledger.world);
    let batch = ledger.world.batch().await;
    assert_eq!(batch.records.len(), 1);
    consumer.handle(batch, departures_for(23)).await
}

#[tokio::test]
async fn a_batch_says_in_one_message_what_became_of_each_delivery() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let consumer = ledger.consumer().await;
    let expired = delivery_with(&[user(3)], |body| {
        body["at"] = json!("1:2");
        body["expires_at"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    });
    let bodies = [
        at("1:0", &[user(1)]),
        at("1:1", &["not-an-id".into()]),
        expired,
        delivery(&[user(4)]),
        at("1:3", &users(10..15)),
    ];
    let handled = ledger.world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let outcomes = ledger.outcomes().await;
    assert_eq!(
        in_short(&outcomes),
        [
            ("1:0".into(), 1, CellReason::Accepted, Some(200)),
            ("1:1".into(), 1, CellReason::Refused, Some(400)),
            ("1:2".into(), 1, CellReason::Expired, None),
            ("1:3".into(), 5, CellReason::Accepted, Some(200)),
            ("loose".into(), 1, CellReason::Accepted, Some(200)),
        ]
    );
    for outcome in &outcomes {
        let has_departed = outcome.reason != CellReason::Expired;
        assert_eq!(outcome.departed == Departed::Answered, has_departed);
        assert_eq!(outcome.request_id.is_some(), has_departed);
        assert_eq!(outcome.latency_ms.is_some(), has_departed);
        assert_eq!(
            outcome.words.is_some(),
            outcome.reason == CellReason::Refused
        );
        assert_eq!(outcome.receives, 1);
    }
}

#[tokio::test]
async fn parts_of_a_split_have_positions_in_the_whole() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let consumer = ledger.consumer().await;
    let mut to = users(0..20);
    to[17] = "not-an-id".into();
    let handled = ledger.world.handle(&consumer, &[at("8c:4", &to)]).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(
        in_short(&ledger.outcomes().await),
        [
            (
                "8c:4:0-16,18-19".into(),
                19,
                CellReason::Accepted,
                Some(200)
            ),
            ("8c:4:17".into(), 1, CellReason::Refused, Some(400)),
        ]
    );
}

#[tokio::test]
async fn a_part_that_is_put_back_keeps_its_place_and_that_it_was_perhaps_taken() {
    let asked = AtomicU64::new(0);
    let line = Scripted::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => said(400, r#"{"message":"The property, to[2], is invalid"}"#),
        _ => said(500, "{}"),
    })
    .await;
    let ledger = Ledger::start(LineOptions::default()).await;
    let variables = [
        ("OUTCOME_QUEUE_URL", ledger.outcomes.as_str()),
        ("LINE_API_BASE", &line.url),
    ];
    let consumer = ledger.world.consumer_with(&variables).await;
    let bodies = [at("1:0", &users(0..8))];
    let handled = ledger.world.handle_for(1, &consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(
        in_short(&ledger.outcomes().await),
        [("1:0:2".into(), 1, CellReason::Refused, Some(400))]
    );
    let copies = ledger.copies().await;
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(copies[0]["at"], "1:0:0-1,3-7");
}

#[tokio::test]
async fn what_the_ledger_could_not_be_told_comes_again_and_is_told_by_409() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let unheard = ledger.unheard().await;
    let handled = ledger
        .world
        .handle(&unheard, &[at("1:0", &[user(1)])])
        .await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(metrics(&handled)["accepted"], 1);
    assert!(ledger.messages().await.is_empty());
    let handled = again(&ledger, &ledger.consumer().await).await;
    assert!(failures(&handled).is_empty());
    let outcomes = ledger.outcomes().await;
    assert_eq!(
        in_short(&outcomes),
        [("1:0".into(), 1, CellReason::Accepted, Some(409))]
    );
    assert_eq!(outcomes[0].receives, 2);
    let line = ledger.world.line.ledger();
    assert_eq!((line.accepted_recipients, line.already_accepted), (1, 1));
}

#[tokio::test]
async fn at_its_last_receive_a_copy_comes_again_in_its_place() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let queue = format!("{}-gone", ledger.outcomes);
    let variables = [
        ("OUTCOME_QUEUE_URL", queue.as_str()),
        ("MAX_RECEIVE_COUNT", "1"),
    ];
    let unheard = ledger.world.consumer_with(&variables).await;
    let handled = ledger
        .world
        .handle(&unheard, &[at("1:0", &[user(1)])])
        .await;
    assert_eq!(failures(&handled).len(), 0);
    let copies = ledger.copies().await;
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(copies[0]["at"], "1:0");
}

#[tokio::test]
async fn a_line_notify_message_is_never_sent_again_for_the_ledger() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let unheard = ledger.unheard().await;
    let body = delivery_with(&[NOTIFY_TOKEN.into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] = json!([{"message": "早安"}]);
        body["at"] = json!("1:0");
    });
    let handled = ledger.world.handle(&unheard, &[body]).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["unrecorded"], 1);
}

#[tokio::test]
async fn what_expires_before_it_could_come_again_is_counted() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let unheard = ledger.unheard().await;
    let soon = delivery_with(&[user(1)], |body| {
        body["at"] = json!("1:0");
        body["expires_at"] = json!(Timestamp::now() + SignedDuration::from_millis(1_500));
    });
    let handled = ledger.world.handle(&unheard, &[soon]).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["unrecorded"], 1);
}

#[tokio::test]
async fn a_delivery_whose_people_do_not_fit_its_place_is_loose() {
    let ledger = Ledger::start(LineOptions::default()).await;
    let consumer = ledger.consumer().await;
    let handled = ledger
        .world
        .handle(&consumer, &[at("1:0:1-2", &users(0..5))])
        .await;
    assert!(failures(&handled).is_empty());
    let outcomes = ledger.outcomes().await;
    assert!(matches!(outcomes[0].standing, Standing::Loose(key) if key != Uuid::nil()));
}

#[tokio::test]
async fn a_faulty_answer_leaves_a_doubt_and_is_counted() {
    let ledger = Ledger::start(LineOptions {
        faults: LineFaults {
            rates: [(LineFault::ErrorBefore, 1.0)].into(),
            ..LineFaults::default()
        },
        ..LineOptions::default()
    })
    .await;
    let queue = ledger.outcomes.as_str();
    let variables = [("OUTCOME_QUEUE_URL", queue), ("MAX_RECEIVE_COUNT", "1")];
    let consumer = ledger.world.consumer_with(&variables).await;
    let handled = ledger
        .world
        .handle(&consumer, &[at("1:0", &[user(1)])])
        .await;
    assert!(failures(&handled).is_empty());
    let messages = ledger.messages().await;
    assert_eq!(messages[0].retries, 1);
    let outcome = &messages[0].outcomes[0];
    assert_eq!(
        (outcome.reason, outcome.departed),
        (CellReason::Unanswered, Departed::Unanswered)
    );
}
