//! A run is closed when nothing of it can come any more.

use fanline_ledger::{
    Lane, Mapping, PauseMode, Redrive, RedriveReason, RunState, draw_id, note_redrive,
};
use serde_json::json;

use crate::run::{
    RUN, accepted, enter, keys, messages, set_aside, write_counts, write_lines, write_record,
};
use crate::support::{World, event, handed_back, metric};

async fn world(slices: &[(&str, u64)]) -> World {
    let world = World::start().await;
    write_record(&world.store(), &json!({})).await;
    write_lines(&world.store(), &[("1", 10), ("11", 10)]).await;
    write_counts(&world.store(), slices).await;
    enter(&world, false).await;
    world
}

#[tokio::test]
async fn a_cancelled_run_is_closed_once_its_queues_were_empty_three_times() {
    let world = world(&[("1", 10)]).await;
    let bookkeeper = world.bookkeeper();
    world.edit(|edit| edit.cancel(RUN)).await;
    world.send("deliveries", "to be dropped").await;
    world.tick(&bookkeeper, 3).await;
    let run = async || world.control().await.run(RUN).unwrap().clone();
    assert_eq!(run().await.closed, None);
    let purge = world.sqs.purge_queue().queue_url(world.queue("deliveries"));
    purge.send().await.unwrap();
    world.tick(&bookkeeper, 2).await;
    assert_eq!(run().await.closed, None);
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(run().await.state, RunState::Cancelled);
    assert_eq!(run().await.closed, Some(world.now()));
    assert_eq!(
        metric(&handled, "missing"),
        0,
        "the unread slice was cancelled, not lost"
    );
}

#[tokio::test]
async fn rows_that_do_not_add_up_are_an_alarm() {
    // Counts of a slice that the list was not cut into.
    let world = world(&[("1", 10), ("11", 10), ("21", 5)]).await;
    let bookkeeper = world.bookkeeper();
    let slices = [("1", 10), ("11", 10), ("21", 5)];
    let outcomes = slices.iter().flat_map(|(slice, people)| {
        (0..*people).map(move |number| accepted(&format!("{slice}:{number}")))
    });
    let outcomes: Vec<_> = outcomes.collect();
    bookkeeper
        .handle(event(messages(RUN, &outcomes, 10)))
        .await
        .unwrap();
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "imbalance"), 5);
    assert_eq!(
        world.control().await.run(RUN).unwrap().state,
        RunState::Done
    );
}

#[tokio::test]
async fn one_run_that_can_not_be_read_keeps_no_other_from_being_closed() {
    let world = world(&[("1", 10), ("11", 10)]).await;
    let bookkeeper = world.bookkeeper();
    let entry = fanline_ledger::Entry {
        run: "broken",
        started_at: world.now(),
        lane: Lane::Bulk,
        has_canary: false,
    };
    world.edit(|edit| edit.enter(&entry)).await;
    world
        .s3
        .put("bucket", "stack/ledger/broken/run.json", "nonsense");
    let outcomes =
        ["1", "11"].map(|slice| (0..10).map(move |number| accepted(&format!("{slice}:{number}"))));
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    bookkeeper
        .handle(event(messages(RUN, &outcomes, 10)))
        .await
        .unwrap();
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "tick_failures"), 1);
    assert_eq!(
        world.control().await.run(RUN).unwrap().state,
        RunState::Done
    );
}

#[tokio::test]
async fn a_run_that_waits_keeps_the_mapping_off_when_another_one_is_closed() {
    let world = world(&[("1", 10), ("11", 10)]).await;
    let bookkeeper = world.bookkeeper();
    let entry = fanline_ledger::Entry {
        run: "other",
        started_at: world.now(),
        lane: Lane::Bulk,
        has_canary: false,
    };
    world.edit(|edit| edit.enter(&entry)).await;
    world
        .edit(|edit| edit.pause("other", Some(PauseMode::Wait)))
        .await;
    assert_eq!(world.control().await.mapping(Lane::Bulk), None);
    let outcomes =
        ["1", "11"].map(|slice| (0..10).map(move |number| accepted(&format!("{slice}:{number}"))));
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    bookkeeper
        .handle(event(messages(RUN, &outcomes, 10)))
        .await
        .unwrap();
    world.tick(&bookkeeper, 1).await;
    assert_eq!(
        world.control().await.mapping(Lane::Bulk),
        Some(Mapping::Disabled)
    );
}

#[tokio::test]
async fn a_run_that_is_redriven_is_closed_only_when_its_queues_are_empty_again() {
    let world = World::start().await;
    let store = world.store();
    write_record(&store, &json!({})).await;
    write_lines(&store, &[("1", 2)]).await;
    write_counts(&store, &[("1", 2)]).await;
    enter(&world, false).await;
    let bookkeeper = world.bookkeeper();
    let outcomes = [accepted("1:0"), set_aside("1:1")];
    let merged = bookkeeper.handle(event(messages(RUN, &outcomes, 2))).await;
    assert!(handed_back(&merged.unwrap()).is_empty());
    let state = async || world.control().await.run(RUN).unwrap().state;
    world.tick(&bookkeeper, 1).await;
    assert_eq!(state().await, RunState::Done);

    // As the command does: the note, the run, the deliveries.
    let mut redrive = Redrive {
        id: draw_id(),
        time: world.now(),
        by: "mei".into(),
        why: None,
        only: vec![RedriveReason::Quota],
        ended: None,
    };
    note_redrive(&store, &keys(), &redrive).await.unwrap();
    world.edit(|edit| edit.reopen(RUN)).await;
    // Nothing is on a queue yet: the command is looking for dead letters.
    world.tick(&bookkeeper, 5).await;
    assert_eq!(state().await, RunState::Open);
    redrive.ended = Some(world.now());
    note_redrive(&store, &keys(), &redrive).await.unwrap();
    world.send("deliveries", "what was set aside").await;
    world.tick(&bookkeeper, 3).await;
    assert_eq!(state().await, RunState::Open);
    let purge = world.sqs.purge_queue().queue_url(world.queue("deliveries"));
    purge.send().await.unwrap();
    world.tick(&bookkeeper, 2).await;
    assert_eq!(state().await, RunState::Open);
    world.tick(&bookkeeper, 1).await;
    assert_eq!(state().await, RunState::Done);
}
