//! What lies parked goes back to the delivery queue by itself, once its run goes on or has ended.

use aws_sdk_sqs::types::MessageAttributeValue;
use fanline_bookkeeper::Event;
use fanline_ledger::{Edit, PauseMode, WAKE, read_watch};
use jiff::SignedDuration;
use serde_json::json;

use crate::run::{RUN, enter, keys, write_counts, write_lines, write_record};
use crate::support::{World, event, metric};

const OTHER: &str = "other";

/// A run that is parked, with another one beside it, and three deliveries of each on the parked
/// queue.
async fn world() -> World {
    let world = World::start().await;
    let store = world.store();
    write_record(&store, &json!({})).await;
    write_lines(&store, &[("1", 100)]).await;
    write_counts(&store, &[("1", 100)]).await;
    enter(&world, false).await;
    world
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Park)))
        .await;
    for number in 0..3 {
        park(&world, Some(RUN), &delivery(RUN, number)).await;
        // Without an attribute the body says whose it is.
        park(&world, None, &delivery(OTHER, number)).await;
    }
    world
}

fn delivery(run: &str, number: u32) -> String {
    let recipient = format!("U{number:032x}");
    json!({
        "v": 1, "run": run, "channel": "line", "started_at": "2026-12-25T08:00:00Z",
        "at": format!("1:{number}"), "recipients": [recipient],
        "messages": [{"type": "text", "text": "hi"}],
    })
    .to_string()
}

async fn park(world: &World, run: Option<&str>, body: &str) {
    let attribute = |run: &str| {
        let value = MessageAttributeValue::builder().data_type("String");
        value.string_value(run).build().unwrap()
    };
    let mut send = world.sqs.send_message().queue_url(world.queue("parked"));
    if let Some(run) = run {
        send = send.message_attributes("run", attribute(run));
    }
    send.message_body(body).send().await.unwrap();
}

/// The bodies that lie on a queue, in order. They stay there.
async fn on(world: &World, queue: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let receive = world.sqs.receive_message().queue_url(world.queue(queue));
        let received = receive.max_number_of_messages(10).visibility_timeout(1);
        let received = received.send().await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            bodies.sort();
            return bodies;
        }
        bodies.extend(received.into_iter().filter_map(|message| message.body));
    }
}

fn three(run: &str) -> Vec<String> {
    (0..3).map(|number| delivery(run, number)).collect()
}

#[tokio::test]
async fn a_tick_brings_back_what_is_parked_of_a_run_that_was_resumed_and_nothing_else() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    world.tick(&bookkeeper, 1).await;
    assert!(on(&world, "deliveries").await.is_empty());
    assert!(read_watch(&world.store(), &keys()).await.unwrap().parked);
    world.edit(|edit| edit.resume(RUN)).await;
    world.tick(&bookkeeper, 1).await;
    assert_eq!(on(&world, "deliveries").await, three(RUN));
    // What a consumer parks that does not know of the resume yet comes back too.
    park(&world, Some(RUN), &delivery(RUN, 7)).await;
    world.tick(&bookkeeper, 1).await;
    assert!(on(&world, "deliveries").await.contains(&delivery(RUN, 7)));
    world.tick(&bookkeeper, 1).await;
    assert!(!read_watch(&world.store(), &keys()).await.unwrap().parked);
}

#[tokio::test]
async fn a_call_after_the_resume_brings_it_back_at_once() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    let call = || bookkeeper.handle(event([WAKE]));
    // The pause and the resume come between two ticks.
    call().await.unwrap();
    world.edit(|edit| edit.resume(RUN)).await;
    call().await.unwrap();
    assert_eq!(on(&world, "deliveries").await, three(RUN));
}

/// What ends a parked run.
type Ending = fn(&World) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>;

#[tokio::test]
async fn what_is_cancelled_or_can_never_be_sent_goes_back_too_so_that_consumers_settle_it() {
    let cancelled: Ending = |world| Box::pin(world.edit(|edit: Edit<'_>| edit.cancel(RUN)));
    let too_late: Ending = |world| {
        world.pass(SignedDuration::from_hours(23));
        Box::pin(async {})
    };
    for ending in [cancelled, too_late] {
        let world = world().await;
        let bookkeeper = world.bookkeeper();
        world.tick(&bookkeeper, 1).await;
        ending(&world).await;
        world.tick(&bookkeeper, 1).await;
        assert_eq!(on(&world, "deliveries").await, three(RUN));
    }
}

#[tokio::test]
async fn a_watch_that_can_not_be_read_leaves_what_is_parked_until_the_next_tick() {
    let world = world().await;
    let bookkeeper = world.bookkeeper();
    world.tick(&bookkeeper, 1).await;
    world.edit(|edit| edit.resume(RUN)).await;
    world.s3.script(|call| {
        let is_watch = call.method == "GET" && call.key.ends_with("watch.json");
        is_watch.then_some(fanline_local::S3Fault::Denied)
    });
    let handled = world.tick(&bookkeeper, 1).await;
    assert_eq!(metric(&handled, "tick_failures"), 2);
    assert!(on(&world, "deliveries").await.is_empty());
    world.s3.script(|_| None);
    world.pass(SignedDuration::from_mins(1));
    bookkeeper.handle(Event::Tick).await.unwrap();
    assert_eq!(on(&world, "deliveries").await, three(RUN));
}
