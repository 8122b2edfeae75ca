//! The event source mapping is off while a paused run waits, and comes on again only where the
//! bookkeeper has switched it off.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use fanline_bookkeeper::Event;
use fanline_ledger::{Lane, Mapping, PauseMode, WAKE};
use serde_json::{Value, json};

use crate::run::{RUN, enter};
use crate::support::{World, event};

/// Lambda's API with one event source mapping.
struct Lambda {
    url: String,
    state: Arc<Mutex<String>>,
}

impl Lambda {
    async fn start() -> Self {
        let state = Arc::new(Mutex::new("Enabled".to_owned()));
        let path = "/2015-03-31/event-source-mappings/mapping";
        let app = Router::new()
            .route(path, get(read).put(switch))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
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
