//! A canary's sample goes first, and the others follow when nothing speaks against it.

use fanline_bookkeeper::{Bookkeeper, Event};
use fanline_ledger::{CanaryState, DeliveryOutcome, RunKeys, RunState, WAKE, merge_slice};
use jiff::SignedDuration;
use serde_json::json;

use crate::run::{
    RUN, accepted, enter, messages, refused, write_counts, write_lines, write_record,
};
use crate::support::{World, event, metric};

async fn world() -> (World, Bookkeeper) {
    let world = World::start().await;
    let canary = json!({"canary": {"share": "10%", "wait_seconds": 300}});
    write_record(&world.store(), &canary).await;
    write_lines(&world.store(), &[("1", 1_000), ("1001", 1_000)]).await;
    write_counts(&world.store(), &[("1c", 100), ("1001c", 100)]).await;
    enter(&world, true).await;
    let bookkeeper = world.bookkeeper();
    (world, bookkeeper)
}

async fn merge(bookkeeper: &Bookkeeper, outcomes: &[DeliveryOutcome]) {
    let merged = bookkeeper.handle(event(messages(RUN, outcomes, 10))).await;
    merged.unwrap();
}

fn sample(people: u64) -> Vec<DeliveryOutcome> {
    let slices = ["1c", "1001c"].into_iter();
    let all = slices.flat_map(|slice| (0..people).map(move |n| accepted(&format!("{slice}:{n}"))));
    all.collect()
}

async fn canary(world: &World) -> Option<CanaryState> {
    world.control().await.run(RUN).unwrap().canary
}

#[tokio::test]
async fn the_others_follow_when_the_sample_was_sent_and_the_wait_is_over() {
    let (world, bookkeeper) = world().await;
    merge(&bookkeeper, &sample(98)).await;
    world.tick(&bookkeeper, 10).await;
    world.take_orders().await;
    assert_eq!(canary(&world).await, Some(CanaryState::Waiting));
    merge(&bookkeeper, &sample(99)).await;
    world.tick(&bookkeeper, 4).await;
    let sweeps = world.ordered().await;
    assert!(
        sweeps.iter().all(|slice| slice.ends_with('c')),
        "{sweeps:?}"
    );
    assert_eq!(canary(&world).await, Some(CanaryState::Waiting));
    world.tick(&bookkeeper, 1).await;
    assert_eq!(canary(&world).await, Some(CanaryState::Passed));
    let run = world.control().await.run(RUN).unwrap().clone();
    assert_eq!((run.state, run.by.as_str()), (RunState::Open, "canary"));
    let mut ordered = world.ordered().await;
    ordered.retain(|slice| !slice.ends_with('c'));
    assert_eq!(ordered, ["1", "1001"]);
    // Once is enough.
    world.tick(&bookkeeper, 1).await;
    assert!(world.ordered().await.is_empty());
}

#[tokio::test]
async fn an_operator_releases_the_others_at_once() {
    let (world, bookkeeper) = world().await;
    world.edit(|edit| edit.release(RUN)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert_eq!(world.ordered().await, ["1", "1001"]);
    bookkeeper.handle(event([WAKE])).await.unwrap();
    bookkeeper.handle(Event::Tick).await.unwrap();
    assert!(world.ordered().await.is_empty());
}

#[tokio::test]
async fn a_refused_sample_keeps_the_others_back() {
    let (world, bookkeeper) = world().await;
    let refused: Vec<_> = (0..100).map(|n| refused(&format!("1c:{n}"))).collect();
    merge(&bookkeeper, &refused).await;
    merge(&bookkeeper, &sample(100)).await;
    assert_eq!(
        world.control().await.run(RUN).unwrap().state,
        RunState::Paused
    );
    world.tick(&bookkeeper, 30).await;
    assert!(world.ordered().await.is_empty());
    // Released while paused, they follow when the run is resumed.
    world.edit(|edit| edit.release(RUN)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert!(world.ordered().await.is_empty());
    world.edit(|edit| edit.resume(RUN)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert_eq!(world.ordered().await, ["1", "1001"]);
}

#[tokio::test]
async fn a_refused_sample_keeps_the_others_back_though_whoever_merged_it_died() {
    let (world, bookkeeper) = world().await;
    // It died after the merge, before it asked the brake.
    let refused: Vec<_> = (0..100).map(|n| refused(&format!("1c:{n}"))).collect();
    let (store, keys) = (world.store(), RunKeys::new(RUN));
    let of_slice: Vec<_> = refused.iter().collect();
    let merged = merge_slice(&store, &keys, "1c".parse().unwrap(), &of_slice).await;
    merged.unwrap();
    merge(&bookkeeper, &sample(100)[100..]).await;
    world.tick(&bookkeeper, 10).await;
    let control = world.control().await;
    let run = control.run(RUN).unwrap();
    assert_eq!((run.state, run.by.as_str()), (RunState::Paused, "brake"));
    assert_eq!(run.canary, Some(CanaryState::Waiting));
    // Its messages come again. Whoever resumes the run has seen these refusals.
    merge(&bookkeeper, &refused).await;
    world.edit(|edit| edit.resume(RUN)).await;
    world.tick(&bookkeeper, 1).await;
    assert_eq!(canary(&world).await, Some(CanaryState::Passed));
}

#[tokio::test]
async fn the_merge_that_ends_the_wait_releases_without_a_tick() {
    let (world, bookkeeper) = world().await;
    merge(&bookkeeper, &sample(99)).await;
    world.pass(SignedDuration::from_secs(299));
    merge(&bookkeeper, &sample(99)).await;
    assert!(world.ordered().await.is_empty());
    world.pass(SignedDuration::from_secs(1));
    merge(&bookkeeper, &sample(100)).await;
    assert_eq!(world.ordered().await, ["1", "1001"]);
}

#[tokio::test]
async fn a_run_with_a_canary_is_closed_when_the_others_are_settled_too() {
    let (world, bookkeeper) = world().await;
    merge(&bookkeeper, &sample(100)).await;
    world.tick(&bookkeeper, 6).await;
    assert_eq!(world.ordered().await, ["1", "1001"]);
    write_counts(&world.store(), &[("1", 900), ("1001", 900)]).await;
    let others = ["1", "1001"].into_iter();
    let others = others.flat_map(|slice| (0..900).map(move |n| accepted(&format!("{slice}:{n}"))));
    merge(&bookkeeper, &others.collect::<Vec<_>>()).await;
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "imbalance"), 0);
    assert_eq!(
        world.control().await.run(RUN).unwrap().state,
        RunState::Done
    );
}

#[tokio::test]
async fn a_bookkeeper_of_one_run_orders_nothing_of_another() {
    let (world, _) = world().await;
    world.edit(|edit| edit.release(RUN)).await;
    let other = world.bookkeeper().ordering_only("other");
    other.handle(event([WAKE])).await.unwrap();
    world.tick(&other, 30).await;
    assert!(world.ordered().await.is_empty());
    let ours = world.bookkeeper().ordering_only(RUN);
    ours.handle(event([WAKE])).await.unwrap();
    assert_eq!(world.ordered().await, ["1", "1001"]);
}
