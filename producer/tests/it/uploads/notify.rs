//! A LINE Notify campaign that is uploaded. LINE Notify can't tell a repeated message, so after a
//! crash nothing may be published again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{World, xmas};

async fn world() -> World {
    let world = World::start().await;
    let tokens: Vec<String> = (0..20).map(|n| format!("token{n:038}\n")).collect();
    world.put("lists/tokens.csv", format!("token\n{}", tokens.concat()));
    world
}

fn campaign() -> Value {
    xmas(&json!({
        "channel": "line-notify", "messages": {"message": "hi"},
        "recipients": "../lists/tokens.csv",
    }))
}

#[tokio::test]
async fn after_a_crash_before_the_move_the_same_event_moves_the_file_and_publishes_nothing() {
    let moves = [
        ("COPY", "outbox/done/xmas.json"),
        ("DELETE", "outbox/xmas.json"),
    ];
    for (method, key) in moves {
        let world = Arc::new(world().await);
        world.put("outbox/xmas.json", campaign().to_string());
        let event = world.event("outbox/xmas.json").await;
        world.kill_at(method, key, event.clone()).await;

        let summary = world.tell_all(event).await.unwrap();
        assert_eq!((summary.run.as_str(), summary.deliveries), ("xmas", 0));
        let (people, published) = world.take().await;
        assert_eq!((people.len(), published), (20, 20));
        assert_eq!(world.outbox(), ["done/xmas.json"]);
    }
}

#[tokio::test]
async fn a_run_that_may_have_broken_off_is_not_begun_again_and_its_file_says_so() {
    let world = world().await;
    world.deny(|call| call.method == "PUT" && call.key.starts_with("ledger/xmas/rolls/"));
    let error = world.upload("xmas.json", &campaign()).await.unwrap_err();
    assert!(error.contains("its roll can't be written"), "{error}");
    assert_eq!(world.outbox(), ["xmas.json"]);
    assert_eq!(world.take().await.1, 20);

    world.deny(|_| false);
    // Another invocation can't know whether the first one goes on.
    let error = world.tell("outbox/xmas.json").await.unwrap_err();
    assert!(
        error.contains("may still be on its way to the queues"),
        "{error}"
    );
    assert_eq!(world.outbox(), ["xmas.json"]);
    world.wait(1);
    let error = world.tell("outbox/xmas.json").await.unwrap_err();
    assert_eq!(
        error,
        "`s3://bucket/outbox/xmas.json`: this file began the run `xmas`, the ledger does not say \
         that all of it is on the queues, and LINE Notify can't tell a repeated message: see with \
         `fanline status xmas` who has it"
    );
    assert_eq!(world.take().await.1, 0);
    assert_eq!(
        world.outbox(),
        ["failed/xmas.json", "failed/xmas.json.reason.txt"]
    );
}

#[tokio::test]
async fn two_invocations_at_the_same_time_publish_a_run_once() {
    let world = world().await;
    world.put("outbox/xmas.json", campaign().to_string());
    let event = world.event("outbox/xmas.json").await;
    let (one, other) = tokio::join!(world.tell_all(event.clone()), world.tell_all(event));
    // The slower one finds the run published, the file moved, or the first one at work.
    for error in [one, other].into_iter().filter_map(Result::err) {
        assert!(error.contains("may still be on its way"), "{error}");
    }
    let (people, published) = world.take().await;
    assert_eq!((people.len(), published), (20, 20));
    assert_eq!(world.outbox(), ["done/xmas.json"]);
}

#[tokio::test]
async fn another_file_or_firing_of_the_run_is_refused_as_ever() {
    let world = world().await;
    world.upload("xmas.json", &campaign()).await.unwrap();
    let mut other = campaign();
    other["max_bad_rows"] = json!(3);
    let error = world.upload("xmas.json", &other).await.unwrap_err();
    assert!(error.contains("has been fired already"), "{error}");
    // The same content is the same run, which is published.
    let again = world.upload("copy.json", &campaign()).await.unwrap();
    assert_eq!(again.deliveries, 0);
    assert_eq!(world.take().await.1, 20);
}
