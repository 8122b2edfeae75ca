//! Whether the alarms for lateness ring when they should, and how long before.

use fanline_bookkeeper::Bookkeeper;
use fanline_ledger::{DeliveryOutcome, PauseMode};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::run::{RUN, accepted, enter, messages, write_counts, write_lines, write_record};
use crate::support::{World, eight, event};

const PEOPLE: u64 = 20_000;

/// A run of so many people whose deliveries expire an hour after it began.
async fn world() -> (World, Bookkeeper) {
    let world = World::start().await;
    let expires = json!({"expires_at": (eight() + 1.hour()).to_string()});
    write_record(&world.store(), &expires).await;
    write_lines(&world.store(), &[("1", PEOPLE)]).await;
    write_counts(&world.store(), &[("1", PEOPLE)]).await;
    enter(&world, false).await;
    world.send("deliveries", "the backlog").await;
    let bookkeeper = world.bookkeeper();
    (world, bookkeeper)
}

fn at(time: Timestamp, numbers: std::ops::Range<u64>) -> Vec<DeliveryOutcome> {
    let outcome = |number| DeliveryOutcome {
        time,
        ..accepted(&format!("1:{number}"))
    };
    numbers.map(outcome).collect()
}

/// A minute in which so many deliveries are settled. Gives the two metrics of its tick.
async fn minute(
    world: &World,
    bookkeeper: &Bookkeeper,
    settled: &mut u64,
    more: u64,
) -> [Value; 2] {
    let outcomes = at(world.now(), *settled..*settled + more);
    *settled += more;
    bookkeeper
        .handle(event(messages(RUN, &outcomes, 10)))
        .await
        .unwrap();
    let handled = world.tick(bookkeeper, 1).await;
    let line: Value = serde_json::from_str(&handled.metrics[0]).unwrap();
    ["late_seconds", "late_at_best_seconds"].map(|name| line[name].clone())
}

#[tokio::test]
async fn a_run_that_keeps_its_pace_is_in_time() {
    let (world, bookkeeper) = world().await;
    let mut settled = 0;
    let first = minute(&world, &bookkeeper, &mut settled, 1_000).await;
    assert!(
        first[0].is_null(),
        "nothing is known of its pace yet: {first:?}"
    );
    for _ in 0..3 {
        let late = minute(&world, &bookkeeper, &mut settled, 1_000).await;
        // 20 minutes in all, and an hour to do it.
        let seconds = late[0].as_f64().unwrap();
        assert!((-2_500.0..-2_300.0).contains(&seconds), "{seconds}");
        assert!(late[1].as_f64().unwrap() < -3_000.0);
    }
}

#[tokio::test]
async fn a_run_that_falls_behind_is_known_within_four_minutes() {
    let (world, bookkeeper) = world().await;
    let mut settled = 0;
    for _ in 0..4 {
        let late = minute(&world, &bookkeeper, &mut settled, 500).await;
        assert!(
            late[0].as_f64().is_none_or(|seconds| seconds < 0.0),
            "{late:?}"
        );
    }
    // From 500 a minute to 100: 18,000 are left, and 56 minutes.
    let mut minutes = 0;
    loop {
        let late = minute(&world, &bookkeeper, &mut settled, 100).await;
        minutes += 1;
        assert!(late[1].as_f64().unwrap() < 0.0, "at its best it is in time");
        if late[0].as_f64().unwrap() > 0.0 {
            break;
        }
    }
    assert!(minutes <= 4, "{minutes} minutes");
}

#[tokio::test]
async fn a_pause_makes_a_run_late_when_the_best_pace_can_not_help_any_more() {
    let (world, bookkeeper) = world().await;
    let mut settled = 0;
    minute(&world, &bookkeeper, &mut settled, 1_000).await;
    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    // The best pace of ten consumers is 465 a second: 19,000 take 41 seconds.
    world.pass(SignedDuration::from_mins(55));
    let before = minute(&world, &bookkeeper, &mut settled, 0).await;
    assert!(
        before.iter().all(|late| late.as_f64().unwrap() < 0.0),
        "{before:?}"
    );
    world.pass(SignedDuration::from_secs(90));
    let after = minute(&world, &bookkeeper, &mut settled, 0).await;
    assert!(
        after.iter().all(|late| late.as_f64().unwrap() > 0.0),
        "{after:?}"
    );
    // Only a later deadline helps.
    let later = eight() + 2.hours();
    world.edit(|edit| edit.extend(RUN, later)).await;
    let extended = minute(&world, &bookkeeper, &mut settled, 0).await;
    assert!(
        extended.iter().all(|late| late.as_f64().unwrap() < 0.0),
        "{extended:?}"
    );
}

#[tokio::test]
async fn an_operators_pace_is_the_best_there_is() {
    let (world, bookkeeper) = world().await;
    let mut settled = 0;
    world.tick(&bookkeeper, 1).await;
    let pace = fanline_ledger::ByEndpoint {
        push: Some(6),
        multicast: None,
    };
    world.edit(|edit| edit.set_pace(pace)).await;
    // 19,000 at six a second take 53 minutes, and 57 are left.
    let late = minute(&world, &bookkeeper, &mut settled, 1_000).await;
    let seconds = late[1].as_f64().unwrap();
    assert!((-400.0..-200.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn without_an_open_run_there_is_nothing_to_be_late() {
    let world = World::start().await;
    let handled = world.tick(&world.bookkeeper(), 1).await;
    assert!(
        !handled.metrics[0].contains("late_"),
        "{:?}",
        handled.metrics
    );
}
