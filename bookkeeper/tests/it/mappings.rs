//! The event source mapping is off while a paused run waits, and comes on again only where the
//! bookkeeper has switched it off.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use fanline_bookkeeper::Event;
use fanline_ledger::{Consumers, Entry, Lane, Mapping, PauseMode, WAKE};
use serde_json::{Value, json};

use crate::run::{RUN, enter};
use crate::support::{World, event};

/// Lambda's API with the event source mappings of both lanes.
struct Lambda {
    url: String,
    state: Arc<Mutex<String>>,
    urgent: Arc<Mutex<String>>,
}

impl Lambda {
    async fn start() -> Self {
        let enabled = || Arc::new(Mutex::new("Enabled".to_owned()));
        let (state, urgent) = (enabled(), enabled());
        let mapping = |name: &str, state: &Arc<Mutex<String>>| {
            let path = format!("/2015-03-31/event-source-mappings/{name}");
            let methods = get(read).put(switch).with_state(Arc::clone(state));
            Router::new().route(&path, methods)
        };
        let app = mapping("mapping", &state).merge(mapping("urgent-mapping", &urgent));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, urgent }
    }

    fn state(&self) -> String {
        self.state.lock().unwrap().clone()
    }

    fn set(&self, state: &str) {
        state.clone_into(&mut self.state.lock().unwrap());
    }
}

type Shared = State<Arc<Mutex<String>>>;

async fn read(State(state): Shared) -> Json<Value> {
    Json(json!({"UUID": "mapping", "State": *state.lock().unwrap()}))
}

async fn switch(State(state): Shared, Json(change): Json<Value>) -> Json<Value> {
    let mut state = state.lock().unwrap();
    let is_on = change["Enabled"].as_bool().unwrap();
    let now = if is_on { "Enabling" } else { "Disabling" };
    now.clone_into(&mut state);
    Json(json!({"UUID": "mapping", "State": *state}))
}

#[tokio::test]
async fn a_wake_switches_the_mapping_off_and_on_and_then_leaves_it_alone() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    let wake = async || bookkeeper.handle(event([WAKE])).await.unwrap();
    wake().await;
    assert_eq!(lambda.state(), "Enabled", "nothing is said about it");

    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    wake().await;
    assert_eq!(lambda.state(), "Disabling");
    // Lambda takes its time, and an operator is faster.
    world.edit(|edit| edit.resume(RUN)).await;
    wake().await;
    assert_eq!(lambda.state(), "Disabling");
    assert_eq!(
        world.control().await.mapping(Lane::Bulk),
        Some(Mapping::Enabled)
    );
    lambda.set("Disabled");
    wake().await;
    assert_eq!(lambda.state(), "Enabling");
    wake().await;
    assert_eq!(world.control().await.mapping(Lane::Bulk), None);
    // What somebody else has switched off stays off.
    lambda.set("Disabled");
    wake().await;
    assert_eq!(lambda.state(), "Disabled");
}

#[tokio::test]
async fn what_an_operator_had_switched_off_stays_off_through_a_pause_and_a_resume() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    bookkeeper.handle(Event::Tick).await.unwrap();
    let wake = async || bookkeeper.handle(event([WAKE])).await.unwrap();
    let pause = async || {
        let paused = world.edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)));
        paused.await;
        wake().await;
    };
    let resume = async || {
        world.edit(|edit| edit.resume(RUN)).await;
        wake().await;
    };
    lambda.set("Disabled");
    pause().await;
    resume().await;
    assert_eq!(lambda.state(), "Disabled");
    assert_eq!(world.control().await.mapping(Lane::Bulk), None);
    // The operator switches it on: from now on the bookkeeper may switch it again.
    lambda.set("Enabled");
    pause().await;
    assert_eq!(lambda.state(), "Disabling");
    lambda.set("Disabled");
    resume().await;
    assert_eq!(lambda.state(), "Enabling");
    lambda.set("Enabled");
    wake().await;
    // What the bookkeeper did in that pause says nothing about the next one.
    lambda.set("Disabled");
    pause().await;
    resume().await;
    assert_eq!(lambda.state(), "Disabled");
}

#[tokio::test]
async fn another_bookkeeper_knows_who_has_switched_the_mapping_off() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = || world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    bookkeeper().handle(Event::Tick).await.unwrap();
    let paused = world.edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)));
    paused.await;
    bookkeeper().handle(event([WAKE])).await.unwrap();
    assert_eq!(lambda.state(), "Disabling");
    lambda.set("Disabled");
    world.edit(|edit| edit.resume(RUN)).await;
    bookkeeper().handle(Event::Tick).await.unwrap();
    assert_eq!(lambda.state(), "Enabling");
}

/// The stack was updated to this version during the pause: nobody has noted who switched it off.
#[tokio::test]
async fn a_mapping_that_an_earlier_version_has_switched_off_comes_on_again() {
    for tick_between in [false, true] {
        let (world, lambda) = (World::start().await, Lambda::start().await);
        let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
        enter(&world, false).await;
        let paused = world.edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)));
        paused.await;
        lambda.set("Disabled");
        if tick_between {
            bookkeeper.handle(Event::Tick).await.unwrap();
        }
        world.edit(|edit| edit.resume(RUN)).await;
        bookkeeper.handle(event([WAKE])).await.unwrap();
        assert_eq!(lambda.state(), "Enabling", "{tick_between}");
    }
}

#[tokio::test]
async fn a_mapping_is_left_alone_while_it_cannot_be_read_who_has_switched_it_off() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    let key = "stack/control/mappings.json";
    world.s3.put("bucket", key, "{\"v\":2}");
    let pause = async || {
        let paused = world.edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)));
        paused.await;
        bookkeeper.handle(event([WAKE])).await.unwrap();
    };
    pause().await;
    assert_eq!(lambda.state(), "Enabled");
    lambda.set("Disabled");
    world.edit(|edit| edit.resume(RUN)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert_eq!(lambda.state(), "Disabled");
    let wanted = world.control().await.mapping(Lane::Bulk);
    assert_eq!(wanted, Some(Mapping::Enabled), "it is tried again");
}

#[tokio::test]
async fn a_paused_urgent_run_switches_the_mapping_of_its_own_lane() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    let started_at = world.control().await.run(RUN).unwrap().started_at;
    let urgent = Entry {
        run: "eve",
        started_at,
        lane: Lane::Urgent,
        has_canary: false,
    };
    world.edit(|edit| edit.enter(&urgent)).await;
    world.edit(|edit| edit.pause("eve", None)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert_eq!(lambda.state(), "Enabled");
    assert_eq!(*lambda.urgent.lock().unwrap(), "Disabling");
    bookkeeper.handle(Event::Tick).await.unwrap();
    let control = world.control().await;
    let stack = control.stack();
    assert_eq!(stack.environments, Some(12));
    for (lane, own, others) in [(Lane::Bulk, 10, 2), (Lane::Urgent, 2, 10)] {
        assert_eq!(stack.consumers_of(lane), Some(Consumers { own, others }));
    }
    let queue = world.queue("urgent");
    assert_eq!(stack.deliveries_of(Lane::Urgent), Some(queue.as_str()));
}

#[tokio::test]
async fn a_tick_sets_right_what_a_deployment_has_switched_on() {
    let (world, lambda) = (World::start().await, Lambda::start().await);
    let bookkeeper = world.bookkeeper_at("s3://bucket/stack", Some(&lambda.url));
    enter(&world, false).await;
    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    for state in ["Enabled", "Enabled"] {
        lambda.set(state);
        bookkeeper.handle(Event::Tick).await.unwrap();
        assert_eq!(lambda.state(), "Disabling");
    }
}

#[tokio::test]
async fn without_a_mapping_the_order_to_switch_it_on_is_done_at_once() {
    let world = World::start().await;
    let bookkeeper = world.bookkeeper();
    enter(&world, false).await;
    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Wait)))
        .await;
    world.edit(|edit| edit.resume(RUN)).await;
    bookkeeper.handle(event([WAKE])).await.unwrap();
    assert_eq!(world.control().await.mapping(Lane::Bulk), None);
}

#[tokio::test]
async fn the_tick_says_where_the_stacks_queues_are_and_writes_nothing_twice() {
    let world = World::start().await;
    let bookkeeper = world.bookkeeper();
    bookkeeper.handle(Event::Tick).await.unwrap();
    let control = world.control().await;
    assert_eq!(control.stack().outcomes, Some(world.queue("outcomes")));
    assert_eq!(control.stack().slices, Some(world.queue("slices")));
    assert_eq!(control.stack().environments, Some(10));
    let puts = world.s3.counts().puts;
    bookkeeper.handle(Event::Tick).await.unwrap();
    assert_eq!(world.s3.counts().puts, puts);
}

#[tokio::test]
async fn a_tick_fails_where_the_control_object_is_nonsense() {
    let world = World::start().await;
    world.s3.put(
        "bucket",
        "stack/control/control.json",
        "{\"v\":1,\"runs\":7}",
    );
    let error = world.bookkeeper().handle(Event::Tick).await.unwrap_err();
    assert_eq!(error.to_string(), "the control object was not kept");
}
