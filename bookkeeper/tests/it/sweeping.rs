//! What is missing is published again, and what nothing can bring is named.

use fanline_bookkeeper::Bookkeeper;
use fanline_ledger::{DeliveryOutcome, PauseMode, RunState, read_watch};
use jiff::SignedDuration;
use serde_json::json;

use crate::run::{
    RUN, accepted, book, enter, keys, messages, stored_book, write_counts, write_lines,
    write_record,
};
use crate::support::{World, event, handed_back, metric};

const SLICES: [(&str, u64); 3] = [("1", 100), ("101", 100), ("201", 100)];

fn all_of(slice: &str) -> Vec<DeliveryOutcome> {
    let numbers = 0..100;
    numbers
        .map(|number| accepted(&format!("{slice}:{number}")))
        .collect()
}

async fn merge(bookkeeper: &Bookkeeper, outcomes: &[DeliveryOutcome]) {
    let handled = bookkeeper.handle(event(messages(RUN, outcomes, 10))).await;
    assert!(handed_back(&handled.unwrap()).is_empty());
}

/// A run of three slices: of the first everything is settled, of the second fifty deliveries are
/// lost, and the message of the third was lost, so no producer has read it.
async fn world(campaign: &serde_json::Value) -> (World, Bookkeeper) {
    let world = World::start().await;
    let store = world.store();
    write_record(&store, campaign).await;
    write_lines(&store, &SLICES).await;
    write_counts(&store, &SLICES[..2]).await;
    enter(&world, false).await;
    let bookkeeper = world.bookkeeper();
    merge(&bookkeeper, &all_of("1")).await;
    merge(&bookkeeper, &all_of("101")[50..]).await;
    (world, bookkeeper)
}

#[tokio::test]
async fn lost_deliveries_and_a_lost_slice_are_swept_within_three_ticks() {
    let (world, bookkeeper) = world(&json!({})).await;
    let handled = world.tick(&bookkeeper, 2).await;
    assert_eq!(metric(&handled, "waiting"), 150);
    assert!(world.ordered().await.is_empty());
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "swept"), 2);
    let orders = world.take_orders().await;
    assert!(orders.iter().all(|order| order.run == RUN));
    let slices = orders.iter().map(|order| order.slice.to_string());
    assert_eq!(slices.collect::<Vec<_>>(), ["101", "201"]);

    // The producer publishes what is waiting, and the consumers send it. Who had it is counted
    // once.
    write_counts(&world.store(), &SLICES[2..]).await;
    merge(&bookkeeper, &all_of("101")).await;
    merge(&bookkeeper, &all_of("201")).await;
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "imbalance"), 0);
    let run = world.control().await.run(RUN).unwrap().clone();
    assert_eq!((run.state, run.closed), (RunState::Done, Some(world.now())));
    for (slice, people) in SLICES {
        let expected = book(slice, people, &all_of(slice));
        assert!(
            stored_book(&world.store(), slice).await == expected,
            "{slice}"
        );
    }
    assert!(world.ordered().await.is_empty());
}

#[tokio::test]
async fn nothing_is_swept_while_a_queue_has_messages_until_nothing_came_for_twenty_minutes() {
    for queue in ["outcomes", "slices", "deliveries", "parked"] {
        let (world, bookkeeper) = world(&json!({})).await;
        world.tick(&bookkeeper, 2).await;
        world.send(queue, "something of another run").await;
        let handled = world.tick(&bookkeeper, 17).await;
        assert_eq!(metric(&handled, "swept"), 0, "{queue}");
        let handled = world.tick(&bookkeeper, 2).await;
        assert_eq!(metric(&handled, "swept"), 2, "{queue}");
    }
}

#[tokio::test]
async fn after_three_sweeps_who_is_left_is_missing_and_the_run_is_closed() {
    let (world, bookkeeper) = world(&json!({})).await;
    let mut swept = Vec::new();
    let missing = loop {
        let handled = world.tick(&bookkeeper, 1).await;
        if metric(&handled, "swept") != 0 {
            swept.push(world.now());
            assert_eq!(world.ordered().await, ["101", "201"]);
        }
        if metric(&handled, "missing") != 0 {
            break metric(&handled, "missing");
        }
    };
    assert_eq!(missing, 150);
    let minutes = swept.windows(2).map(|two| two[1].duration_since(two[0]));
    let ten = SignedDuration::from_mins(10);
    assert_eq!(minutes.collect::<Vec<_>>(), [ten, ten]);
    let control = world.control().await;
    assert_eq!(control.run(RUN).unwrap().state, RunState::Done);
    let watch = read_watch(&world.store(), &keys()).await.unwrap();
    assert_eq!(watch.missing, 150);
    // The next tick has nothing to say.
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(
        (metric(&handled, "missing"), metric(&handled, "open_runs")),
        (0.into(), 0.into())
    );
    // Opened again for a redrive, it is watched anew.
    world.edit(|edit| edit.reopen(RUN)).await;
    let handled = world.tick(&bookkeeper, 2).await;
    assert_eq!(metric(&handled, "missing"), 0);
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "swept"), 2);
}

#[tokio::test]
async fn a_list_that_can_not_be_read_again_is_not_swept() {
    let in_bucket = json!({"recipients": "s3://bucket/friends.csv"});
    for (campaign, object, is_swept) in [
        (&json!({"recipients": "inline"}), None, false),
        (&in_bucket, None, false),
        (&in_bucket, Some("another list"), false),
        (&in_bucket, Some(""), true),
    ] {
        let (world, bookkeeper) = world(campaign).await;
        if let Some(object) = object {
            world.s3.put("bucket", "friends.csv", object);
        }
        let handled = world.tick(&bookkeeper, 3).await;
        let missing = metric(&handled, "missing");
        assert_eq!(missing == 0, is_swept, "{campaign} {object:?}");
        assert_eq!(
            world.ordered().await.is_empty(),
            !is_swept,
            "{campaign} {object:?}"
        );
    }
}

#[tokio::test]
async fn line_notify_is_never_swept_and_nothing_after_twenty_two_hours() {
    for (campaign, hours) in [(json!({"channel": "line-notify"}), 0), (json!({}), 22)] {
        let (world, bookkeeper) = world(&campaign).await;
        world.pass(SignedDuration::from_hours(hours));
        let mut swept = 0;
        loop {
            let handled = world.tick(&bookkeeper, 1).await;
            swept += metric(&handled, "swept").as_u64().unwrap();
            if metric(&handled, "missing") == 150 {
                break;
            }
        }
        assert_eq!(swept, 0, "{campaign}");
        assert!(world.ordered().await.is_empty());
    }
}

#[tokio::test]
async fn a_paused_run_is_not_swept_until_it_is_resumed() {
    let (world, bookkeeper) = world(&json!({})).await;
    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    let handled = world.tick(&bookkeeper, 30).await;
    assert_eq!(metric(&handled, "swept"), 0);
    assert_eq!(metric(&handled, "waiting"), 150);
    world.edit(|edit| edit.resume(RUN)).await;
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "swept"), 2);
}

#[tokio::test]
async fn a_tick_that_comes_twice_is_one_look_and_one_that_dies_is_made_again() {
    let (world, bookkeeper) = world(&json!({})).await;
    for _ in 0..2 {
        world.tick(&bookkeeper, 1).await;
        for _ in 0..3 {
            bookkeeper
                .handle(fanline_bookkeeper::Event::Tick)
                .await
                .unwrap();
        }
    }
    assert!(world.ordered().await.is_empty());
    // Ordered and not noted, as if it had died between the two: the next tick orders again.
    world.pass(SignedDuration::from_mins(1));
    world.s3.script(|call| {
        let is_watch = call.method == "PUT" && call.key.ends_with("watch.json");
        is_watch.then_some(fanline_local::S3Fault::Denied)
    });
    let handled = bookkeeper
        .handle(fanline_bookkeeper::Event::Tick)
        .await
        .unwrap();
    assert_eq!(metric(&handled, "tick_failures"), 1);
    world.s3.script(|_| None);
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "swept"), 2);
}
