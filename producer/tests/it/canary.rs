//! A canary: a sample of the people is sent to first.

use std::collections::BTreeSet;

use fanline_core::delivery::Delivery;
use fanline_ledger::{CanaryState, Control, Edit, RollReader, SliceCounts, SliceId, SliceOrder};
use fanline_producer::Producer;
use serde_json::{Value, json};

use crate::runs::{Fired, event};
use crate::support::{list, user};

const CONTROL: &str = "state/control/control.json";
const WATCHED: [(&str, &str); 3] = [
    ("CONTROL_URI", "s3://state/control/control.json"),
    ("SLICE_QUEUE_URL", "slices"),
    ("SLICE_BYTES", "1500"),
];

/// Works on all slices that lie on their queue. Returns who is sent to since `before` deliveries.
async fn work(fired: &Fired, producer: &Producer, before: usize) -> BTreeSet<String> {
    for slice in fired.world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    let bodies = fired.world.bodies("deliveries");
    let new = bodies[before..]
        .iter()
        .map(|body| Delivery::decode(body).unwrap());
    let mut people = BTreeSet::new();
    for person in new.flat_map(|delivery| delivery.recipients) {
        assert!(people.insert(person), "somebody twice");
    }
    people
}

fn slices(fired: &Fired) -> Vec<SliceId> {
    let lines = fired
        .world
        .object("state/ledger/xmas/slices.ndjson")
        .unwrap();
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["slice"].clone();
    lines
        .lines()
        .map(|text| line(text).as_str().unwrap().parse().unwrap())
        .collect()
}

/// Orders the slices of all others, as the bookkeeper does.
async fn release(fired: &Fired, producer: &Producer) {
    for slice in slices(fired) {
        let body = SliceOrder::new("xmas", slice).encode();
        let order = json!({"Records": [{"messageId": "1", "body": body}]});
        producer.handle(order, None).await.unwrap();
    }
}

/// The counts of a slice, and whether its roll says the same.
fn counts(fired: &Fired, slice: SliceId) -> SliceCounts {
    let bytes = |name: &str| {
        fired
            .world
            .bytes(&format!("state/ledger/xmas/{name}"))
            .unwrap()
    };
    let counts = SliceCounts::decode(&bytes(&format!("slices/{slice}.json"))).unwrap();
    let roll = bytes(&format!("rolls/{slice}"));
    let (totals, _) = RollReader::new(&roll[..]).unwrap().sizes().unwrap();
    assert!(totals.agrees_with(&counts), "{counts:?}");
    counts
}

fn canary() -> Value {
    event(&json!({"canary": {"share": "20%", "wait_seconds": 60}, "max_bad_rows": 5}))
}

#[tokio::test]
async fn the_sample_is_sent_first_and_the_others_when_they_are_ordered() {
    let fired = Fired::start().await;
    let rows = format!("{}{},again\nnobody,x\n", list(200), user(0));
    fired.world.put("bucket/friends.csv", rows);
    let producer = fired.producer(&WATCHED);
    producer.handle(canary(), None).await.unwrap();
    let sample = work(&fired, &producer, 0).await;
    assert!((20..60).contains(&sample.len()), "{}", sample.len());
    let control = Control::decode(&fired.world.bytes(CONTROL).unwrap()).unwrap();
    assert_eq!(
        control.run("xmas").unwrap().canary,
        Some(CanaryState::Waiting)
    );

    // A firing that comes again sends to nobody else.
    let before = fired.world.bodies("deliveries").len();
    producer.handle(canary(), None).await.unwrap();
    assert_eq!(work(&fired, &producer, before).await, sample);
    assert_eq!(
        fired.world.deliveries().len(),
        sample.len(),
        "the same keys"
    );

    let before = fired.world.bodies("deliveries").len();
    release(&fired, &producer).await;
    let others = work(&fired, &producer, before).await;
    assert!(sample.is_disjoint(&others));
    assert_eq!(sample.len() + others.len(), 200);

    let all: Vec<_> = slices(&fired)
        .into_iter()
        .flat_map(|slice| [counts(&fired, slice), counts(&fired, slice.canary())])
        .collect();
    let sum = |count: fn(&SliceCounts) -> u64| all.iter().map(count).sum::<u64>();
    assert_eq!(sum(|counts| counts.rows), 202);
    assert_eq!(sum(|counts| counts.recipients), 200);
    assert_eq!(sum(|counts| counts.rejected + counts.duplicates), 2);
    assert!(all.iter().all(|counts| counts.published));
}

#[tokio::test]
async fn a_firing_after_the_canary_has_passed_publishes_what_waits_of_both() {
    let fired = Fired::start().await;
    fired.world.put("bucket/friends.csv", list(100));
    let producer = fired.producer(&WATCHED);
    producer.handle(canary(), None).await.unwrap();
    let sample = work(&fired, &producer, 0).await;
    let control = Control::decode(&fired.world.bytes(CONTROL).unwrap()).unwrap();
    let now = "2026-12-24T20:01:00Z".parse().unwrap();
    let released = Edit::new(&control, "maria", None, now).unwrap();
    let released = released.release("xmas").unwrap();
    fired.world.put(CONTROL, released.encode());
    let before = fired.world.bodies("deliveries").len();
    producer.handle(canary(), None).await.unwrap();
    let all = work(&fired, &producer, before).await;
    assert!(all.len() == 100 && all.is_superset(&sample));
}

#[tokio::test]
async fn a_canary_that_can_not_be_is_refused_in_words() {
    for (settings, more, words) in [
        (
            &WATCHED[..],
            json!({"canary": {"share": "1%"}, "channel": "line-notify",
                "messages": [{"message": "hi"}]}),
            "`canary` is for the channel `line`",
        ),
        (
            &WATCHED[..1],
            json!({"canary": {"share": "1%"}}),
            "nobody would watch it: that needs a deployed stack",
        ),
        (
            &WATCHED[1..],
            json!({"canary": {"share": "1%"}}),
            "nobody would watch it",
        ),
        (
            &WATCHED[..],
            json!({"canary": {"share": 10}}),
            "needs 50 people at least",
        ),
        (
            &WATCHED[..],
            json!({"brake": {"refused": 5}}),
            "field `brake`: is not like",
        ),
    ] {
        let fired = Fired::start().await;
        let refused = fired.fire(settings, &more).await.unwrap();
        assert!(refused.contains(words), "{words}: {refused}");
        assert_eq!(fired.world.requests(), 0, "{words}");
    }
}
