//! A panic in the producer becomes an error. The message of the panic, which may hold a row, goes
//! nowhere.

use std::time::SystemTime;

use aws_types::sdk_config::{SharedTimeSource, TimeSource};
use fanline_producer::Producer;
use serde_json::{Value, json};

use crate::support::{World, campaign, take_resume, user};

/// A clock for the SDK's clients that panics, with a row in its message.
#[derive(Debug)]
struct PanickingClock {
    /// Where it panics: in tasks that the producer spawns, or outside of them.
    in_spawned_tasks: bool,
}

impl TimeSource for PanickingClock {
    fn now(&self) -> SystemTime {
        let is_spawned = tokio::task::try_id().is_some();
        assert!(
            is_spawned != self.in_spawned_tasks,
            "the row was {},Zoe",
            user(7)
        );
        SystemTime::now()
    }
}

/// Handles a campaign with this clock, and returns the error.
async fn panic_with(clock: PanickingClock, recipients: &Value) -> String {
    let world = World::start().await;
    world.put("bucket/friends.csv", format!("to,name\n{},Zoe\n", user(7)));
    let config = world
        .config()
        .into_builder()
        .time_source(SharedTimeSource::new(clock))
        .build();
    let producer = Producer::new(world.settings(&[]), &config);
    let event = campaign(recipients, &json!({}));
    let error = producer.handle(event, None).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    let has_row = shown.contains(&user(7)) || shown.contains("Zoe");
    assert!(!has_row, "{shown}");
    error.to_string()
}

const IN_SPAWNED_TASKS: PanickingClock = PanickingClock {
    in_spawned_tasks: true,
};

#[tokio::test]
async fn a_panic_while_a_request_is_sent_names_the_row_to_resume_at() {
    let recipients = json!([{"to": user(7), "name": "Zoe"}]);
    let (sentence, resume) = take_resume(&panic_with(IN_SPAWNED_TASKS, &recipients).await);
    assert_eq!(resume["skip_deliveries"]["n"], 0);
    assert_eq!(
        sentence,
        "the code that sends to the queue `deliveries` panicked, the log says where; \
         0 deliveries of this invocation are on the queue; \
         resume at row 1: send the same event with …"
    );
}

#[tokio::test]
async fn a_panic_while_a_list_is_read_names_the_list() {
    assert_eq!(
        panic_with(IN_SPAWNED_TASKS, &json!("s3://bucket/friends.csv")).await,
        "`s3://bucket/friends.csv` can't be read: the code that reads it panicked, \
         the log says where"
    );
}

#[tokio::test]
async fn a_panic_anywhere_else_is_an_error_too() {
    let clock = PanickingClock {
        in_spawned_tasks: false,
    };
    let error = panic_with(clock, &json!("s3://bucket/friends.csv")).await;
    assert!(error.starts_with("the producer panicked"), "{error}");
}
