//! A list that is checked and not sent.

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
    let (checked, samples) = fanline_producer::check(event, &world.config(), |place, error| {
        bad.push(format!("{place}: {error}"));
    })
    .await
    .unwrap();
    assert_eq!(
        (
            checked.rows,
            checked.recipients(),
            checked.rejected,
            checked.duplicates
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
    let samples: Vec<_> = samples
        .iter()
        .map(|s| (s.place.row, &*s.messages))
        .collect();
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
    let (checked, _) = fanline_producer::check(event, &world.config(), |_, _| ())
        .await
        .unwrap();
    assert_eq!(
        (checked.rows, checked.recipients(), checked.duplicates),
        (72, 70, 2)
    );
}
