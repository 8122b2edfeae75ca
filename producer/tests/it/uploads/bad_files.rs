//! A file that can't be sent goes to `failed`, with one sentence beside it.

use fanline_local::S3Fault;
use serde_json::json;

use super::{World, people, xmas};

#[tokio::test]
async fn a_file_that_can_not_be_sent_is_moved_with_its_reason() {
    let long = format!("{}{}", xmas(&json!({})), " ".repeat(1024 * 1024));
    let missing = xmas(&json!({"recipients": "nowhere.csv"})).to_string();
    let outside = xmas(&json!({"recipients": "../../friends.csv"})).to_string();
    let unknown = "{\n  \"campaign\": \"xmas\",\n  \"colour\": \"red\"\n}";
    let tokens = xmas(&json!({
        "channel": "line-notify", "messages": {"message": "hi"}, "recipients": [{"token": "t"}],
    }));
    for (content, problem) in [
        ("", "the campaign is empty; a campaign looks like"),
        (
            "to,name\nU1,Ann\n",
            "is not a campaign, since it does not begin with `{`",
        ),
        (
            "{\"campaign\": ",
            "is not whole: the JSON ends at line 1, column 13",
        ),
        (
            "{'campaign': 1}",
            "is not JSON: key must be a string at line 1 column 2",
        ),
        (unknown, "unknown field `colour`"),
        (unknown, "at line 3 column 10"),
        (&missing, "`s3://bucket/outbox/nowhere.csv` does not exist"),
        (&outside, "`recipients` leads out of the bucket"),
        (&long, "bytes, and a campaign has at most 1048576"),
        (&tokens.to_string(), "`recipients` holds LINE Notify tokens"),
    ] {
        let world = World::start().await;
        world.put("outbox/a b+名單.json", content);
        let error = world.tell("outbox/a b+名單.json").await.unwrap_err();
        assert!(
            error.starts_with("`s3://bucket/outbox/a b+名單.json`: "),
            "{error}"
        );
        assert!(error.contains(problem), "{error}");
        assert_eq!(
            world.outbox(),
            ["failed/a b+名單.json", "failed/a b+名單.json.reason.txt"]
        );
        let reason = world.object("outbox/failed/a b+名單.json.reason.txt");
        assert_eq!(reason.unwrap(), format!("{error}\n"));
        let moved = world.object("outbox/failed/a b+名單.json").unwrap();
        assert_eq!(moved, content);
        assert_eq!(world.take().await.1, 0, "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_text_is_told_its_first_bad_byte() {
    let world = World::start().await;
    assert!(
        world
            .s3
            .put("bucket", "outbox/x.json", &b"{\"a\": \"\xA4\xA4\"}"[..])
    );
    let error = world.tell("outbox/x.json").await.unwrap_err();
    assert!(error.contains("is not UTF-8 from its byte 8 on"), "{error}");
}

#[tokio::test]
async fn a_mended_file_is_sent() {
    let world = World::start().await;
    let broken = xmas(&json!({"recipients": "nowhere.csv"}));
    world.upload("xmas.json", &broken).await.unwrap_err();
    let mended = xmas(&json!({}));
    let summary = world.upload("xmas.json", &mended).await.unwrap();
    assert_eq!(summary.recipients, 20);
    assert_eq!(world.take().await, (people(20), 20));
    assert!(world.outbox().contains(&"done/xmas.json".to_owned()));
}

#[tokio::test]
async fn the_list_may_be_beside_the_file_or_in_it() {
    let world = World::start().await;
    let list = crate::support::list(5);
    world.put("outbox/shop/five.csv", list);
    let beside = xmas(&json!({"recipients": "five.csv", "campaign": "beside"}));
    let summary = world.upload("shop/x.json", &beside).await.unwrap();
    assert_eq!(summary.recipients, 5);
    assert_eq!(world.take().await.0, people(5));
    let rows = json!([{"to": crate::support::user(1), "name": "Ann"}]);
    let inline = xmas(&json!({"recipients": rows, "campaign": "inline"}));
    let bom = format!("\u{feff}{inline}");
    world.put("outbox/inline.json", bom);
    let summary = world.tell("outbox/inline.json").await.unwrap();
    assert_eq!(summary.recipients, 1);
    assert_eq!(
        world.outbox(),
        ["done/inline.json", "done/shop/x.json", "shop/five.csv"]
    );
}

#[tokio::test]
async fn a_bucket_in_another_region_is_named_in_one_sentence() {
    for (key, is_settled, sentence) in [
        (
            "lists/friends.csv",
            true,
            "`s3://bucket/outbox/xmas.json`: `s3://bucket/lists/friends.csv` can't be read: its \
             bucket is in the Region eu-west-1, and the request went to another one: put the list \
             into a bucket of the Region where this runs",
        ),
        (
            "outbox/xmas.json",
            false,
            "`s3://bucket/outbox/xmas.json` can't be read: the bucket is in the Region eu-west-1, \
             and the request went to another one",
        ),
        (
            "ledger/xmas/run.json",
            false,
            "`s3://bucket/outbox/xmas.json`: the record of the run can't be read or written, so \
             nothing was sent: `s3://bucket/ledger/xmas/run.json`: the bucket is in the Region \
             eu-west-1, and the request went to another one",
        ),
    ] {
        let world = World::start().await;
        // The test itself asks for the tag of the file.
        world.s3.script(move |call| {
            let is_met = call.key == key && call.method != "HEAD";
            is_met.then_some(S3Fault::OtherRegion)
        });
        let error = world.upload("xmas.json", &xmas(&json!({}))).await;
        let error = error.unwrap_err();
        assert_eq!(error, sentence);
        let is_failed = world.object("outbox/failed/xmas.json").is_some();
        assert_eq!(is_failed, is_settled, "{error}");
        assert_eq!(world.take().await.1, 0, "{error}");
        // A list can be moved. What stays is sent once the bucket is right.
        world.s3.script(|_| None);
        if !is_settled {
            world.tell("outbox/xmas.json").await.unwrap();
            assert_eq!(world.take().await, (people(20), 20));
        }
    }
}

#[tokio::test]
async fn a_missing_right_to_a_key_is_named_and_not_taken_for_one_to_the_bucket() {
    for (key, sentence) in [
        (
            "outbox/xmas.json",
            "`s3://bucket/outbox/xmas.json` can't be read: no permission for `kms:Decrypt`",
        ),
        (
            "lists/friends.csv",
            "`s3://bucket/outbox/xmas.json`: `s3://bucket/lists/friends.csv` can't be read: no \
             permission for `kms:Decrypt`",
        ),
        (
            "ledger/xmas/run.json",
            "`s3://bucket/outbox/xmas.json`: the record of the run can't be read or written, so \
             nothing was sent: `s3://bucket/ledger/xmas/run.json` can't be reached: no permission \
             for `kms:Decrypt`",
        ),
    ] {
        let world = World::start().await;
        world.s3.script(move |call| {
            let is_met = call.key == key && call.method != "HEAD";
            is_met.then_some(S3Fault::KeyDenied)
        });
        let error = world.upload("xmas.json", &xmas(&json!({}))).await;
        assert_eq!(error.unwrap_err(), sentence);
        assert_eq!(world.take().await.1, 0, "{sentence}");
    }
}
