//! A queue that fails in every way that it can.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Fault, World, campaign, greetings, list, take_resume, user};

fn people(n: usize) -> Value {
    (0..n)
        .map(|n| json!({"to": user(n), "name": format!("name {n}")}))
        .collect()
}

#[tokio::test]
async fn only_the_refused_entries_are_sent_again() {
    let world = World::start().await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    world.script(move |bodies| {
        let mut seen = seen.lock().unwrap();
        seen.push(bodies.len());
        (seen.len() < 3).then(|| Fault::Fail(vec![0, bodies.len() - 1]))
    });
    let summary = world
        .producer(&[])
        .handle(campaign(&people(10), &json!({})), None)
        .await
        .unwrap();
    assert_eq!(*sizes.lock().unwrap(), [10, 2, 2]);
    assert_eq!((summary.requests, summary.deliveries), (3, 10));
    assert_eq!(world.bodies("deliveries").len(), 10);
    assert_eq!(world.sent(), greetings(10));
}

#[tokio::test]
async fn throttles_failures_and_lost_answers_are_survived() {
    for fault in [Fault::Throttle, Fault::Unavailable, Fault::LostAnswer] {
        let world = World::start().await;
        let mut first = Some(fault.clone());
        world.script(move |_| first.take());
        let summary = world
            .producer(&[])
            .handle(campaign(&people(3), &json!({})), None)
            .await
            .unwrap();
        assert_eq!(
            (summary.requests, summary.deliveries, summary.recipients),
            (2, 3, 3),
            "{fault:?}"
        );
        assert_eq!(world.sent(), greetings(3), "{fault:?}");
    }
}

#[tokio::test]
async fn an_entry_that_the_queue_will_never_take_is_a_rejected_row() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(20));
    world.script(|bodies| {
        let bad: Vec<usize> = (0..bodies.len())
            .filter(|i| bodies[*i].contains("name 13"))
            .collect();
        (!bad.is_empty()).then_some(Fault::Refuse(bad))
    });
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"max_bad_rows": 1}),
    );
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(
        (summary.rows, summary.recipients, summary.rejected),
        (20, 19, 1)
    );
    let path = "bucket/friends.csv.rejects/xmas@2126-12-25T00:00:00Z/row-1.queue-0.csv";
    assert_eq!(summary.rejects, [format!("s3://{path}")]);
    assert_eq!(
        world.object(path).unwrap(),
        format!(
            "row,line,column,reason,recipient\n\
             14,15,,the queue refused the delivery: Scripted: as told,{}\n",
            user(13)
        )
    );
    let mut expected = greetings(20);
    expected.remove(13);
    assert_eq!(world.sent(), expected);
}

#[tokio::test]
async fn a_queue_that_refuses_more_than_the_campaign_allows_ends_the_slice() {
    let world = World::start().await;
    world.script(|bodies| Some(Fault::Refuse((0..bodies.len()).collect())));
    let error = world
        .producer(&[])
        .handle(campaign(&people(20), &json!({})), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the queue refused more deliveries than `max_bad_rows` allows: Scripted: as told; \
         0 other deliveries are on the queue"
    );
}

#[tokio::test]
async fn a_queue_that_never_takes_an_entry_fails_the_slice_loudly_and_exactly() {
    let world = World::start().await;
    world.script(|bodies| {
        let bad: Vec<usize> = (0..bodies.len())
            .filter(|i| bodies[*i].contains("name 25"))
            .collect();
        (!bad.is_empty()).then_some(Fault::Fail(bad))
    });
    let producer = world.producer(&[("SEND_ATTEMPTS", "2")]);
    let error = producer
        .handle(campaign(&people(40), &json!({})), None)
        .await
        .unwrap_err();
    let (sentence, resume) = take_resume(&error.to_string());
    assert_eq!(
        sentence,
        "the queue `deliveries` did not take the request in 2 attempts; \
         the last: Scripted: as told; 30 deliveries of this invocation are on the queue; \
         resume at row 21: send the same event with …"
    );
    // Doing what the error says sends the rest, and sends nobody a second message.
    world.script(|_| None);
    assert_eq!(resume["skip_deliveries"]["n"], 20);
    let event = campaign(&people(40), &resume);
    let summary = producer.handle(event, None).await.unwrap();
    assert_eq!(
        (summary.rows, summary.recipients, summary.skipped_deliveries),
        (20, 20, 20)
    );
    assert_eq!(world.sent(), greetings(40));
    // And each delivery has the number that `skip_deliveries` counts.
    for delivery in world.deliveries() {
        let person = usize::from_str_radix(&delivery.recipients[0][1..], 16).unwrap();
        assert_eq!(delivery.at, Some(format!("1:{person}")));
    }
}

#[tokio::test]
async fn one_request_at_a_time_keeps_the_order_of_the_list() {
    let world = World::start().await;
    let producer = world.producer(&[("SENDS_IN_FLIGHT", "1")]);
    let summary = producer
        .handle(campaign(&people(95), &json!({})), None)
        .await
        .unwrap();
    assert_eq!(summary.requests, 10);
    for (n, body) in world.bodies("deliveries").iter().enumerate() {
        assert!(body.contains(&format!("name {n}\"")), "{n}");
    }
}

#[tokio::test]
async fn two_runs_of_one_campaign_have_the_same_keys() {
    let world = World::start().await;
    for _ in 0..2 {
        world
            .producer(&[])
            .handle(campaign(&people(25), &json!({})), None)
            .await
            .unwrap();
    }
    assert_eq!(world.bodies("deliveries").len(), 50);
    let mut keys: Vec<String> = world
        .deliveries()
        .iter()
        .map(|delivery| delivery.request().retry_key.to_string())
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 25);
}
