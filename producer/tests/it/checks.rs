//! A list that is checked and not sent.

use std::collections::HashSet;

use fanline_core::recipient::Recipient;
use serde_json::json;

use crate::support::{World, campaign, greeting, list, user};

#[tokio::test]
async fn a_check_shows_every_bad_row_and_sends_nothing() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv",
        format!("{}nobody,x\n{},again\n,\n,x\n", list(10), user(3)),
    );
    let mut bad = Vec::new();
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let preview = fanline_producer::check(event, &world.config(), false, None, |place, error| {
        bad.push(format!("{place}: {error}"));
    })
    .await
    .unwrap();
    assert_eq!(
        (
            preview.checked.rows,
            preview.checked.recipients(),
            preview.checked.rejected,
            preview.checked.duplicates
        ),
        (13, 10, 2, 1)
    );
    assert_eq!(
        bad,
        [
            "row 11 (line 12): `to` is not a LINE user, group or room ID \
             (`U`, `C` or `R` and 32 lower-case hexadecimal digits)",
            "row 13 (line 15): `to` is empty"
        ]
    );
    let samples = preview.samples.iter();
    let samples: Vec<_> = samples.map(|s| (s.place.row, &*s.messages)).collect();
    assert_eq!(samples, [(1, &*greeting("name 0"))]);
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_check_finds_duplicates_over_the_whole_list() {
    let world = World::start().await;
    // So long that the producer cuts it.
    let note = "x".repeat(1_000_000);
    let people = (0..70).chain([0, 69]);
    let rows: Vec<String> = people
        .map(|n| format!("{},Ann,{note}\n", user(n)))
        .collect();
    world.put(
        "bucket/friends.csv",
        format!("to,name,note\n{}", rows.concat()),
    );
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let preview = fanline_producer::check(event, &world.config(), false, None, |_, _| ())
        .await
        .unwrap();
    assert_eq!(
        (
            preview.checked.rows,
            preview.checked.recipients(),
            preview.checked.duplicates
        ),
        (72, 70, 2)
    );
}

#[tokio::test]
async fn a_plan_counts_the_deliveries_that_a_fan_out_publishes() {
    let world = World::start().await;
    // 1,100 people share one text, 30 have their own, one is there twice and one can't be sent.
    let shared = (0..1_100).map(|n| format!("{},all\n", user(n)));
    let own = (1_100..1_130).map(|n| format!("{},name {n}\n", user(n)));
    let rows: Vec<String> = shared.chain(own).collect();
    let list = format!("to,name\n{}{},again\nnobody,x\n", rows.concat(), user(3));
    world.put("bucket/friends.csv", list);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let mut people = HashSet::new();
    let see = |recipient: &Recipient| assert!(people.insert(recipient.clone()));
    let plan = fanline_producer::plan(event.clone(), &world.config(), false, see)
        .await
        .unwrap();
    assert_eq!((plan.deliveries.multicast, plan.deliveries.push), (3, 30));
    assert_eq!((plan.people.multicast, plan.people.push), (1_100, 30));
    assert_eq!(plan.preview.checked.recipients(), 1_130);
    assert_eq!(plan.preview.checked.rejected, 1);
    assert_eq!(people.len(), 1_130);
    assert_eq!(world.requests(), 0);
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(summary.deliveries, 33);
    let bodies = world.bodies("deliveries");
    let published: usize = bodies.iter().map(String::len).sum();
    assert_eq!(published as u64, plan.bytes.push + plan.bytes.multicast);
}
