//! Events of files in messages of SQS: only a message whose file stays comes back.

use fanline_local::{S3Call, S3Fault};
use serde_json::{Value, json};

use super::{World, people, xmas};

fn message(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "body": body.to_string()})
}

/// S3's notification of a file in the outbox.
fn put(name: &str) -> Value {
    let key = format!("outbox/{name}.json");
    let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "bucket"}, "object": {"key": key}},
    }]})
}

fn campaign(name: &str) -> String {
    xmas(&json!({"campaign": name})).to_string()
}

/// The answer of the function, as Lambda reads it.
async fn answer(world: &World, messages: &[Value]) -> Result<Value, String> {
    let answer = world.answer(json!({"Records": messages})).await;
    answer.map(|answer| serde_json::to_value(answer).unwrap())
}

fn failed(ids: &[&str]) -> Value {
    let ids = ids.iter().map(|id| json!({"itemIdentifier": id}));
    json!({"batchItemFailures": ids.collect::<Vec<_>>()})
}

#[tokio::test]
async fn only_the_message_whose_file_stays_comes_back() {
    let world = World::start().await;
    world.put("outbox/good.json", campaign("good"));
    world.put("outbox/bad.json", "{");
    world.put("outbox/stays.json", campaign("stays"));
    let denied = |call: &S3Call| call.method == "COPY" && call.key == "outbox/done/stays.json";
    world.deny(denied);
    let messages = [
        message("bad", &put("bad")),
        message("stays", &put("stays")),
        message("gone", &put("gone")),
        message("good", &put("good")),
        message("good again", &put("good")),
        message(
            "test",
            &json!({"Event": "s3:TestEvent", "Bucket": "bucket"}),
        ),
        message("no event", &json!({"campaign": "xmas"})),
    ];
    let first = answer(&world, &messages).await.unwrap();
    assert_eq!(first, failed(&["stays", "no event"]));

    // They come again, the first of them with its right.
    world.deny(|_| false);
    let again = answer(&world, &messages).await.unwrap();
    assert_eq!(again, failed(&["no event"]));
    // The run whose file stayed was published twice, under the same retry keys.
    let (distinct, published) = world.take().await;
    assert_eq!((distinct.len(), published), (40, 60));
    assert_eq!(
        world.outbox(),
        [
            "done/good.json",
            "done/stays.json",
            "failed/bad.json",
            "failed/bad.json.reason.txt"
        ]
    );
}

#[tokio::test]
async fn a_campaign_that_can_not_be_sent_is_settled_and_its_message_is_done() {
    let world = World::start().await;
    world.put("outbox/bad.json", campaign("two words"));
    let messages = [message("1", &put("bad"))];
    assert_eq!(answer(&world, &messages).await.unwrap(), failed(&[]));
    assert_eq!(
        world.outbox(),
        ["failed/bad.json", "failed/bad.json.reason.txt"]
    );
    // Where it can't be moved, it is not settled.
    world.put("outbox/worse.json", campaign("two words"));
    world.deny(|call| call.method == "PUT" && call.key.starts_with("outbox/failed/"));
    let messages = [message("1", &put("worse")), message("2", &put("bad"))];
    assert_eq!(answer(&world, &messages).await.unwrap(), failed(&["1"]));
    assert!(world.object("outbox/worse.json").is_some());
}

#[tokio::test]
async fn what_may_pass_brings_the_message_back_and_then_the_run_is_sent_once() {
    type Fault = (fn(&S3Call) -> bool, S3Fault);
    let faults: [Fault; 4] = [
        // The store is down or slow.
        (|_| true, S3Fault::Unavailable),
        (|call| call.key == "lists/friends.csv", S3Fault::Unavailable),
        // A right is missing.
        (|call| call.key == "outbox/xmas.json", S3Fault::Denied),
        (|call| call.key.starts_with("ledger/"), S3Fault::Denied),
    ];
    for (number, (is_met, fault)) in faults.into_iter().enumerate() {
        let world = World::start().await;
        world.put("outbox/xmas.json", campaign("xmas"));
        world.s3.script(move |call| is_met(call).then_some(fault));
        let test = message(
            "test",
            &json!({"Event": "s3:TestEvent", "Bucket": "bucket"}),
        );
        let messages = [message("xmas", &put("xmas")), test];
        let first = answer(&world, &messages).await.unwrap();
        assert_eq!(first, failed(&["xmas"]), "{number}");
        assert_eq!(world.outbox(), ["xmas.json"], "{number}");
        world.s3.script(|_| None);
        let again = answer(&world, &messages).await.unwrap();
        assert_eq!(again, failed(&[]), "{number}");
        assert_eq!(world.take().await, (people(20), 20), "{number}");
    }
}

#[tokio::test]
async fn where_nothing_is_settled_the_invocation_is_an_error() {
    let world = World::start().await;
    world.put("outbox/xmas.json", campaign("xmas"));
    world.deny(|call| call.key == "outbox/xmas.json");
    let messages = [message("1", &put("xmas")), message("2", &put("xmas"))];
    assert_eq!(
        answer(&world, &messages).await.unwrap_err(),
        "`s3://bucket/outbox/xmas.json` can't be read: no permission for `s3:GetObject`"
    );
    assert_eq!(world.outbox(), ["xmas.json"]);
}

#[tokio::test]
async fn a_batch_without_an_event_of_s3_is_one_of_slices_as_ever() {
    let world = World::start().await;
    let messages = [message("1", &json!({"campaign": "xmas"}))];
    let error = answer(&world, &messages).await.unwrap_err();
    assert!(error.starts_with("record 1 is not a slice: "), "{error}");
}
