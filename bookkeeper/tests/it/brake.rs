//! The brake: a run that LINE refuses too often is paused, and only once for the same refusals.

use fanline_bookkeeper::Bookkeeper;
use fanline_ledger::{Edit, Mapping, RunState, edit_control};
use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::run::{
    RUN, accepted, enter, messages, refused, write_counts, write_lines, write_record,
};
use crate::support::{World, event, metric};

/// What two seconds bring at LINE's limit would be 4,000; a test takes fewer.
const BATCH: u64 = 500;
const PEOPLE: u64 = 50_000;

/// One batch of outcomes, so many of a thousand refused. Gives whether the brake has paused.
async fn batch(
    bookkeeper: &Bookkeeper,
    from: u64,
    refused_in_1000: u32,
    random: &mut StdRng,
) -> bool {
    let outcomes: Vec<_> = (from..from + BATCH)
        .map(|number| {
            if random.random_range(0..1_000) < refused_in_1000 {
                refused(&format!("1:{number}"))
            } else {
                accepted(&format!("1:{number}"))
            }
        })
        .collect();
    let handled = bookkeeper.handle(event(messages(RUN, &outcomes, 10))).await;
    metric(&handled.unwrap(), "braked") == 1
}

async fn world() -> World {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", PEOPLE)]).await;
    write_record(&world.store(), &json!({})).await;
    enter(&world, false).await;
    world
}

async fn state(world: &World) -> RunState {
    world.control().await.run(RUN).unwrap().state
}

#[tokio::test]
async fn a_fifth_refused_pauses_within_one_percent_of_the_people() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    let mut random = StdRng::seed_from_u64(1);
    assert!(batch(&bookkeeper, 0, 200, &mut random).await);
    let control = world.control().await;
    let run = control.run(RUN).unwrap();
    assert_eq!((run.state, run.by.as_str()), (RunState::Paused, "brake"));
    let why = run.why.as_deref().unwrap();
    assert!(
        why.starts_with("refused ") && why.ends_with("of 500 people"),
        "{why}"
    );
    assert_eq!(
        control.mapping(fanline_ledger::Lane::Bulk),
        Some(Mapping::Disabled)
    );
}

#[tokio::test]
async fn one_percent_refused_never_pauses() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    let mut random = StdRng::seed_from_u64(2);
    for number in 0..20 {
        assert!(!batch(&bookkeeper, number * BATCH, 10, &mut random).await);
        world.pass(SignedDuration::from_secs(2));
    }
    assert_eq!(state(&world).await, RunState::Open);
}

#[tokio::test]
async fn refusals_that_begin_late_pause_by_the_last_minute() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    let mut random = StdRng::seed_from_u64(3);
    for number in 0..20 {
        assert!(!batch(&bookkeeper, number * BATCH, 10, &mut random).await);
        world.pass(SignedDuration::from_secs(10));
    }
    let mut batches = 0;
    while !batch(&bookkeeper, (20 + batches) * BATCH, 300, &mut random).await {
        world.pass(SignedDuration::from_secs(2));
        batches += 1;
    }
    assert!(batches <= 1, "{batches} more batches");
    let control = world.control().await;
    let why = control.run(RUN).unwrap().why.clone().unwrap();
    assert!(why.ends_with("in the last minute"), "{why}");
}

#[tokio::test]
async fn a_resumed_run_is_paused_again_for_new_refusals_only() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    let mut random = StdRng::seed_from_u64(4);
    assert!(batch(&bookkeeper, 0, 500, &mut random).await);
    // What was in hand still comes, and pauses nothing a second time.
    assert!(!batch(&bookkeeper, BATCH, 500, &mut random).await);
    world.pass(SignedDuration::from_secs(5));
    world.edit(|edit| edit.resume(RUN)).await;
    assert!(!batch(&bookkeeper, 2 * BATCH, 5, &mut random).await);
    assert_eq!(state(&world).await, RunState::Open);
    assert!(batch(&bookkeeper, 3 * BATCH, 500, &mut random).await);
    assert_eq!(state(&world).await, RunState::Paused);
}

#[tokio::test]
async fn refusals_of_all_slices_count_together_and_a_merge_costs_two_puts() {
    let world = World::start().await;
    let store = world.store();
    let slices = ["1", "1001", "2001"];
    write_counts(&store, &slices.map(|slice| (slice, 1_000))).await;
    write_lines(&store, &slices.map(|slice| (slice, 1_000))).await;
    write_record(&store, &json!({})).await;
    enter(&world, false).await;
    let bookkeeper = world.bookkeeper();
    // In each slice twenty people and five refused: too few of one, and enough of three.
    let outcomes = |slice: &str| -> Vec<_> {
        let refused = (0..5).map(|number| refused(&format!("{slice}:{number}")));
        let accepted = (5..20).map(|number| accepted(&format!("{slice}:{number}")));
        refused.chain(accepted).collect()
    };
    let merge = async |slice: &str| {
        let event = event(messages(RUN, &outcomes(slice), 10));
        metric(&bookkeeper.handle(event).await.unwrap(), "braked")
    };
    assert_eq!(merge("1").await, 0);
    let before = world.s3.counts();
    assert_eq!(merge("1001").await, 0);
    let after = world.s3.counts();
    assert_eq!(
        (after.puts - before.puts, after.lists - before.lists),
        (2, 0)
    );
    assert_eq!(merge("2001").await, 1);
}

#[tokio::test]
async fn a_campaign_sets_its_own_brake_and_a_run_that_has_ended_is_left_alone() {
    let world = world().await;
    write_record(&world.store(), &json!({"brake": {"refused": "100%"}})).await;
    let mut random = StdRng::seed_from_u64(5);
    assert!(!batch(&world.bookkeeper(), 0, 900, &mut random).await);
    assert_eq!(state(&world).await, RunState::Open);
    write_record(&world.store(), &json!({})).await;
    world.edit(|edit| edit.cancel(RUN)).await;
    assert!(!batch(&world.bookkeeper(), BATCH, 900, &mut random).await);
    assert_eq!(state(&world).await, RunState::Cancelled);
}

#[tokio::test]
async fn a_run_that_is_not_in_control_is_entered_and_paused() {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", PEOPLE)]).await;
    write_record(&world.store(), &json!({})).await;
    let mut random = StdRng::seed_from_u64(6);
    assert!(batch(&world.bookkeeper(), 0, 500, &mut random).await);
    assert_eq!(state(&world).await, RunState::Paused);
}

#[tokio::test]
async fn a_control_object_that_can_not_be_read_stops_no_merge() {
    let world = world().await;
    world.s3.put(
        "bucket",
        "stack/control/control.json",
        "{\"v\":1,\"runs\":7}",
    );
    let mut random = StdRng::seed_from_u64(7);
    assert!(!batch(&world.bookkeeper(), 0, 500, &mut random).await);
    let store = world.store();
    let edited = edit_control(&store, |control| {
        Edit::new(control, "operator", None, world.now())?.pause(RUN, None)
    });
    edited.await.unwrap_err();
    // Mended, the next merge pauses.
    world
        .s3
        .put("bucket", "stack/control/control.json", "{\"v\":1}");
    assert!(batch(&world.bookkeeper(), BATCH, 500, &mut random).await);
}
