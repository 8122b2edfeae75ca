//! An invocation that runs out of time: the rest of its slice is handed over, or can be resumed.

use fanline_producer::Summary;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Fault, World, campaign, list, take_resume, user};

/// A deadline at which the producer stops after so long: it keeps a third of its time back.
fn deadline_after(milliseconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_millis(milliseconds * 3 / 2)
}

/// From this request on, counted from now, the queue answers only at the deadline.
fn stall(world: &World, first: usize, deadline: Timestamp) {
    let mut requests = 0;
    world.script(move |_| {
        requests += 1;
        (requests >= first).then_some(Fault::TakeAt(deadline))
    });
}

/// A message for each person, so that each is a delivery.
fn messages() -> Value {
    json!([{"type": "text", "text": "{{ to }}"}])
}

#[tokio::test]
async fn out_of_time_the_rest_of_a_slice_is_handed_over_and_nothing_is_sent_twice() {
    let world = World::start().await;
    let list = format!("{}nobody,x\n{},again\n", list(300), user(0));
    world.put("bucket/friends.csv", list);
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices"), ("SENDS_IN_FLIGHT", "2")]);
    let more = json!({"messages": messages()});
    let first = campaign(&json!("s3://bucket/friends.csv"), &more);
    let cut = producer.handle(first, None).await.unwrap();
    assert_eq!((cut.rows, cut.slices, cut.sliced_rows), (0, 1, 302));
    let mut event = world.take_slices().pop();
    let mut sum = Summary::default();
    let mut parts = 0;
    while let Some(part) = event {
        let deadline = deadline_after(1000);
        stall(&world, 10, deadline);
        let summary = producer.handle(part, Some(deadline)).await.unwrap();
        assert_eq!(
            summary.rows,
            summary.recipients + summary.rejected + summary.duplicates
        );
        sum.rows += summary.rows;
        sum.recipients += summary.recipients;
        sum.rejected += summary.rejected;
        sum.duplicates += summary.duplicates;
        parts += 1;
        event = world.take_slices().pop();
        assert_eq!(summary.handed_over, event.is_some());
    }
    assert_eq!(
        (sum.rows, sum.recipients, sum.rejected, sum.duplicates),
        (302, 300, 1, 1)
    );
    assert!(parts >= 3, "{parts}");
    assert_eq!(world.bodies("deliveries").len(), 300);
    assert_eq!(world.sent().len(), 300);
}

#[tokio::test]
async fn out_of_time_without_a_slice_queue_says_where_to_resume() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(300));
    let producer = world.producer(&[("SENDS_IN_FLIGHT", "1")]);
    let deadline = deadline_after(1000);
    stall(&world, 5, deadline);
    let more = json!({"messages": messages()});
    let event = campaign(&json!("s3://bucket/friends.csv"), &more);
    let result = producer.handle(event, Some(deadline)).await;
    let sent = world.sent().len();
    let (sentence, resume) = take_resume(&result.unwrap_err().to_string());
    assert_eq!(
        sentence,
        format!(
            "out of time with {sent} deliveries on the queue; resume at row {}: \
             send the same event with …, or set `SLICE_QUEUE_URL`",
            sent + 1
        )
    );
    world.script(|_| None);
    let mut rest = campaign(&json!("s3://bucket/friends.csv"), &more);
    rest["skip_deliveries"] = resume["skip_deliveries"].clone();
    assert_eq!(rest["skip_deliveries"]["n"], sent);
    let summary = producer.handle(rest, None).await.unwrap();
    assert_eq!(summary.rows, 300 - sent as u64);
    assert_eq!(world.bodies("deliveries").len(), 300);
    assert_eq!(world.sent().len(), 300);
}

#[tokio::test]
async fn without_any_time_there_is_an_error_and_no_endless_handing_over() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices")]);
    let result = producer.handle(event, Some(deadline_after(-1))).await;
    let error = result.unwrap_err().to_string();
    assert!(
        error.starts_with("there was not enough time to check"),
        "{error}"
    );
    assert_eq!(world.requests(), 0);
}
