//! Urgent campaigns: their deliveries wait on a queue of their own.

use fanline_ledger::{Control, Lane};
use serde_json::json;

use crate::support::{World, campaign, list};

const LEDGER: (&str, &str) = ("LEDGER_URI", "s3://state/ledger/");
const CONTROL: (&str, &str) = ("CONTROL_URI", "s3://state/control/control.json");

/// The settings of a stack with an urgent lane.
fn with_lane(world: &World) -> [(&'static str, String); 4] {
    [
        ("URGENT_QUEUE_URL", format!("{}/0/urgent", world.url)),
        ("SLICE_QUEUE_URL", "slices".into()),
        (LEDGER.0, LEDGER.1.into()),
        (CONTROL.0, CONTROL.1.into()),
    ]
}

#[tokio::test]
async fn an_urgent_run_passes_by_the_slices_and_the_deliveries_of_the_others() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(25));
    let settings = with_lane(&world);
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let producer = world.producer(&settings);
    for (lane, queue) in [("urgent", "urgent"), ("bulk", "slices")] {
        let event = campaign(
            &json!("s3://bucket/friends.csv"),
            &json!({"lane": lane, "campaign": lane}),
        );
        producer.handle(event, None).await.unwrap();
        let taken = world.entries(queue).len();
        assert_eq!(taken, if lane == "urgent" { 25 } else { 1 }, "{lane}");
    }
    assert!(world.entries("deliveries").is_empty());
    for slice in world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    assert_eq!(world.entries("deliveries").len(), 25);
    let control = world.bytes("state/control/control.json").unwrap();
    let control = Control::decode(&control).unwrap();
    let lanes = control.runs().values().map(|run| run.lane);
    assert_eq!(lanes.collect::<Vec<_>>(), [Lane::Bulk, Lane::Urgent]);
}

#[tokio::test]
async fn the_slices_of_a_long_urgent_list_lead_to_the_urgent_queue() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let settings = with_lane(&world);
    let mut settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    settings.push(("SLICE_BYTES", "1000"));
    let producer = world.producer(&settings);
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"lane": "urgent"}),
    );
    producer.handle(event, None).await.unwrap();
    let slices = world.take_slices();
    assert!(slices.len() > 3, "{}", slices.len());
    for slice in slices {
        producer.handle(slice, None).await.unwrap();
    }
    assert_eq!(world.entries("urgent").len(), 100);
    assert!(world.entries("deliveries").is_empty());
}

#[tokio::test]
async fn without_an_urgent_queue_an_urgent_campaign_is_one_sentence_and_nothing_is_sent() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(5));
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices"), LEDGER, CONTROL]);
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"lane": "urgent"}),
    );
    let error = producer.handle(event, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`lane` is `urgent`, but the stack has no urgent queue, so nothing was sent: deploy it \
         with `UrgentLane=ENABLED` (or set `URGENT_QUEUE_URL`), or leave `lane` out"
    );
    assert_eq!(world.requests(), 0);
    assert_eq!(world.paths(), ["bucket/friends.csv"]);
}
