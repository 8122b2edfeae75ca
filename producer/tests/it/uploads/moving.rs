//! A settled file is moved, also after a crash in between, and what is not settled stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanline_local::{S3Call, S3Fault, S3Options};
use serde_json::{Value, json};

use super::{World, event, people, xmas};

fn is(call: &S3Call, method: &str, key: &str) -> bool {
    call.method == method && call.key == key
}

#[tokio::test]
async fn after_a_crash_before_the_move_the_same_event_moves_the_file_and_sends_nobody_twice() {
    let moves = [
        ("COPY", "outbox/done/xmas.json"),
        ("DELETE", "outbox/xmas.json"),
    ];
    for (method, key) in moves {
        let world = Arc::new(World::start().await);
        world.put("outbox/xmas.json", xmas(&json!({})).to_string());
        let event = world.event("outbox/xmas.json").await;
        world.kill_at(method, key, event.clone()).await;
        assert!(world.object("outbox/xmas.json").is_some());

        world.tell_all(event).await.unwrap();
        assert_eq!(world.take().await.0, people(20));
        assert_eq!(world.outbox(), ["done/xmas.json"]);
    }
}

#[tokio::test]
async fn what_may_pass_leaves_the_file_where_it_is() {
    let world = World::start().await;
    world
        .s3
        .script(|call| is(call, "PUT", "ledger/xmas/run.json").then_some(S3Fault::Unavailable));
    let error = world.upload("xmas.json", &xmas(&json!({}))).await;
    let error = error.unwrap_err();
    assert!(
        error.contains("the record of the run can't be read or written"),
        "{error}"
    );
    assert_eq!(world.outbox(), ["xmas.json"]);
    world.s3.script(|_| None);
    world.tell("outbox/xmas.json").await.unwrap();
    assert_eq!(world.take().await, (people(20), 20));
    assert_eq!(world.outbox(), ["done/xmas.json"]);
}

#[tokio::test]
async fn a_missing_right_is_named_with_its_action() {
    let table = [
        (
            "GET",
            "outbox/xmas.json",
            "read: no permission for `s3:GetObject`",
        ),
        (
            "COPY",
            "outbox/done/xmas.json",
            "written: no permission for `s3:PutObject`",
        ),
        (
            "DELETE",
            "outbox/xmas.json",
            "deleted: no permission for `s3:DeleteObject`",
        ),
        (
            "GET",
            "lists/friends.csv",
            "read: no permission for `s3:GetObject`",
        ),
        (
            "PUT",
            "ledger/xmas/run.json",
            "no permission for `s3:PutObject`",
        ),
        (
            "PUT",
            "ledger/xmas.origin.json",
            "no permission for `s3:PutObject`",
        ),
    ];
    for (method, key, problem) in table {
        let world = World::start().await;
        world.deny(move |call| is(call, method, key));
        let error = world.upload("xmas.json", &xmas(&json!({}))).await;
        let error = error.unwrap_err();
        assert!(error.contains(problem), "{error}");
        let is_failed = world.object("outbox/failed/xmas.json").is_some();
        assert_eq!(is_failed, key == "lists/friends.csv", "{error}");
        // With the right, the run is sent once.
        world.deny(|_| false);
        if is_failed {
            continue;
        }
        world.tell("outbox/xmas.json").await.unwrap();
        assert_eq!(world.take().await.0, people(20), "{error}");
        assert_eq!(world.outbox(), ["done/xmas.json"]);
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_while_its_run_is_published_is_not_lost() {
    let world = Arc::new(World::start().await);
    let first = xmas(&json!({}));
    let second = xmas(&json!({"max_bad_rows": 5}));
    world.put("outbox/xmas.json", first.to_string());
    let event = world.event("outbox/xmas.json").await;
    // The first copy is refused: meanwhile the file was replaced.
    let client = world.client.clone();
    let body = second.to_string();
    let replaced = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&replaced);
    world.s3.script(move |call| {
        let is_first =
            is(call, "COPY", "outbox/done/xmas.json") && !seen.swap(true, Ordering::SeqCst);
        is_first.then_some(S3Fault::Unavailable)
    });
    let put = {
        let replaced = Arc::clone(&replaced);
        async move {
            while !replaced.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            let put = client.put_object().bucket("bucket").key("outbox/xmas.json");
            put.body(body.into_bytes().into()).send().await.unwrap();
        }
    };
    let (handled, ()) = tokio::join!(world.tell_all(event), put);
    handled.unwrap();
    let done = world.object("outbox/done/xmas.json").unwrap();
    // Whichever came first, what was sent is in `done`, and the new file is where it was put.
    assert_eq!(done, first.to_string());
    assert_eq!(world.take().await, (people(20), 20));
    if world.object("outbox/xmas.json").is_some() {
        let error = world.tell("outbox/xmas.json").await.unwrap_err();
        assert!(error.contains("another version of its file"), "{error}");
        assert_eq!(
            world.object("outbox/failed/xmas.json").unwrap(),
            second.to_string()
        );
    }
    assert_eq!(world.take().await.1, 0);
}

#[tokio::test]
async fn settled_files_and_other_names_start_nothing() {
    let world = World::start().await;
    let campaign = xmas(&json!({})).to_string();
    for key in [
        "outbox/done/xmas.json",
        "outbox/failed/xmas.json",
        "outbox/failed/xmas.json.reason.txt",
        "outbox/xmas.txt",
        "outbox/xmas.JSON",
        "lists/xmas.json",
        "xmas.json",
    ] {
        world.put(key, campaign.clone());
        assert_eq!(world.tell(key).await.unwrap().rows, 0, "{key}");
        assert!(world.object(key).is_some(), "{key}");
    }
    let mut elsewhere = event("outbox/xmas.json", "5f");
    elsewhere["detail"]["bucket"]["name"] = json!("another");
    assert_eq!(world.tell_all(elsewhere).await.unwrap().rows, 0);
    let mut deleted = event("outbox/xmas.json", "5f");
    deleted["detail-type"] = json!("Object Deleted");
    world.put("outbox/xmas.json", campaign);
    assert_eq!(world.tell_all(deleted).await.unwrap().rows, 0);
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket"});
    assert_eq!(world.tell_all(test).await.unwrap().rows, 0);
    assert_eq!(world.take().await.1, 0);
}

#[tokio::test]
async fn one_bad_file_of_an_event_stops_no_other() {
    let world = World::with(S3Options {
        versions: true,
        ..S3Options::default()
    })
    .await;
    world.put("outbox/bad.json", "{");
    world.put("outbox/xmas.json", xmas(&json!({})).to_string());
    let record = |name: &str| {
        let key = format!("outbox/{name}.json");
        json!({
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "bucket"}, "object": {"key": key, "versionId": "v1"}},
        })
    };
    let records: Vec<Value> = ["bad", "xmas", "xmas"].into_iter().map(record).collect();
    let event = json!({"Records": records});
    let error = world.tell_all(event.clone()).await.unwrap_err();
    assert!(
        error.starts_with("`s3://bucket/outbox/bad.json`: "),
        "{error}"
    );
    assert_eq!(world.take().await, (people(20), 20));
    // Lambda tries the failed event again: all of it is settled.
    assert_eq!(world.tell_all(event).await.unwrap().rows, 0);
    assert_eq!(world.take().await.1, 0);
}

#[tokio::test]
async fn without_an_outbox_everything_is_as_before() {
    let world = World::start().await;
    world.put("outbox/xmas.json", xmas(&json!({})).to_string());
    let event = world.event("outbox/xmas.json").await;
    let intake = world.intake(&[("OUTBOX_URI", "")]);
    assert_eq!(
        intake.handle(event, None).await.unwrap_err().to_string(),
        "this is an event of S3 (an upload starts a campaign only with `OnUpload=ENABLED`): \
         expected is a campaign, an event of a schedule or a rule, or slices from SQS"
    );
    let scheduled = xmas(&json!({
        "scheduled_time": "2026-12-25T00:00:00Z", "recipients": "s3://bucket/lists/friends.csv",
    }));
    intake.handle(scheduled, None).await.unwrap();
    assert_eq!(world.take().await.1, 20);
    assert_eq!(world.object("ledger/xmas.origin.json"), None);
}
