//! Which file starts which run: the same file is one run, however often its event comes.

use serde_json::json;

use super::{World, event, people, xmas};

#[tokio::test]
async fn a_file_in_the_outbox_is_sent_and_moved_to_done() {
    let world = World::start().await;
    let campaign = xmas(&json!({}));
    let summary = world.upload("xmas.json", &campaign).await.unwrap();
    assert_eq!((summary.run.as_str(), summary.recipients), ("xmas", 20));
    assert_eq!(world.take().await, (people(20), 20));
    assert_eq!(world.outbox(), ["done/xmas.json"]);
    let done = world.object("outbox/done/xmas.json").unwrap();
    assert_eq!(done, campaign.to_string());
    let record = world.object("ledger/xmas/run.json").unwrap();
    assert!(record.contains("s3://bucket/lists/friends.csv"), "{record}");
}

#[tokio::test]
async fn every_form_of_the_event_finds_the_file_whatever_its_name_is() {
    for (number, name) in ["a b", "a+b", "a%2Bb", "名單", "100%", "a&b=c", "shop/x"]
        .into_iter()
        .enumerate()
    {
        let world = World::start().await;
        let key = format!("outbox/{name}.json");
        let recipients = json!({"recipients": "s3://bucket/lists/friends.csv"});
        world.put(&key, xmas(&recipients).to_string());
        let bridge = world.event(&key).await;
        let etag = &bridge["detail"]["object"]["etag"];
        let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let notification = json!({"Records": [{
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "bucket"}, "object": {"key": encoded, "eTag": etag}},
        }]});
        let message = json!({"Type": "Notification", "Message": notification.to_string()});
        let in_sqs = |body: String| {
            let message = json!({"messageId": "1", "eventSource": "aws:sqs", "body": body});
            json!({"Records": [message]})
        };
        let events = [
            bridge,
            notification.clone(),
            json!({"Records": [{"EventSource": "aws:sns", "Sns": message}]}),
            in_sqs(notification.to_string()),
            in_sqs(message.to_string()),
        ];
        // Each name begins with another form, and all others come after it.
        for form in 0..events.len() {
            let event = events[(number + form) % events.len()].clone();
            let summary = world.tell_all(event).await.unwrap();
            let sent = if form == 0 { 20 } else { 0 };
            assert_eq!(summary.deliveries, sent, "{key}");
        }
        assert_eq!(world.take().await, (people(20), 20), "{key}");
        assert_eq!(world.outbox(), [format!("done/{name}.json")]);
    }
}

#[tokio::test]
async fn two_invocations_at_the_same_time_are_one_run() {
    let world = World::start().await;
    world.put("outbox/xmas.json", xmas(&json!({})).to_string());
    let event = world.event("outbox/xmas.json").await;
    let (one, other) = tokio::join!(world.tell_all(event.clone()), world.tell_all(event));
    one.unwrap();
    other.unwrap();
    // Both may have published: each person has one retry key.
    assert_eq!(world.take().await.0, people(20));
    assert_eq!(world.outbox(), ["done/xmas.json"]);
}

#[tokio::test]
async fn an_old_event_of_a_file_that_is_gone_sends_nothing() {
    let world = World::start().await;
    let campaign = xmas(&json!({}));
    world.upload("xmas.json", &campaign).await.unwrap();
    assert_eq!(world.take().await.1, 20);
    for etag in ["an-older-version", ""] {
        let event = event("outbox/xmas.json", etag);
        assert_eq!(world.tell_all(event).await.unwrap().rows, 0);
    }
    let never = event("outbox/never.json", "5f");
    assert_eq!(world.tell_all(never).await.unwrap().rows, 0);
    assert_eq!(world.take().await.1, 0);
    assert_eq!(world.outbox(), ["done/xmas.json"]);
}

#[tokio::test]
async fn the_same_file_put_again_sends_nobody_anything_twice() {
    let world = World::start().await;
    let campaign = xmas(&json!({}));
    world.upload("xmas.json", &campaign).await.unwrap();
    let copy = world.upload("copy of xmas.json", &campaign).await.unwrap();
    assert_eq!(copy.run, "xmas");
    assert_eq!(world.take().await.0, people(20));
    assert_eq!(world.outbox(), ["done/copy of xmas.json", "done/xmas.json"]);
    world.wait(23);
    let error = world.upload("xmas.json", &campaign).await.unwrap_err();
    assert!(error.contains("more than 23 hours ago"), "{error}");
    assert_eq!(world.take().await.1, 0);
}

#[tokio::test]
async fn a_file_that_was_replaced_is_refused_while_its_run_is_open() {
    let other_text = json!({"messages": [{"type": "text", "text": "Ho {{ name }}"}]});
    for (replaced, problem) in [
        (json!({"max_bad_rows": 3}), "another version of its file"),
        (other_text, "began with other messages"),
    ] {
        let world = World::start().await;
        world.upload("xmas.json", &xmas(&json!({}))).await.unwrap();
        assert_eq!(world.take().await.1, 20);
        let error = world.upload("xmas.json", &xmas(&replaced)).await;
        let error = error.unwrap_err();
        assert!(
            error.starts_with("`s3://bucket/outbox/xmas.json`: the run"),
            "{error}"
        );
        assert!(error.contains(problem), "{error}");
        assert_eq!(world.take().await.1, 0, "{error}");
        let reason = world.object("outbox/failed/xmas.json.reason.txt").unwrap();
        assert_eq!(reason, format!("{error}\n"));
    }
}

#[tokio::test]
async fn a_scheduled_time_in_the_file_names_the_run() {
    let world = World::start().await;
    for time in ["2026-12-25T00:00:00Z", "2026-12-26T00:00:00Z"] {
        let campaign = xmas(&json!({"scheduled_time": time}));
        let summary = world.upload("xmas.json", &campaign).await.unwrap();
        assert_eq!(summary.run, format!("xmas@{time}"));
        assert_eq!(world.take().await, (people(20), 20));
    }
    // The schedule's own firing of that time is the same run.
    let fired = xmas(&json!({
        "scheduled_time": "2026-12-26T00:00:00Z", "recipients": "s3://bucket/lists/friends.csv",
    }));
    world.tell_all(fired).await.unwrap();
    let resent = world.take().await;
    assert_eq!(resent.0, people(20));
}

#[tokio::test]
async fn a_campaign_that_is_uploaded_and_scheduled_is_sent_once() {
    let scheduled = xmas(&json!({
        "scheduled_time": "2026-12-25T00:00:00Z", "recipients": "s3://bucket/lists/friends.csv",
    }));
    let uploaded = xmas(&json!({}));

    let world = World::start().await;
    world.upload("xmas.json", &uploaded).await.unwrap();
    assert_eq!(world.take().await.1, 20);
    assert_eq!(
        world.tell_all(scheduled.clone()).await.unwrap_err(),
        "the campaign `xmas` was uploaded as `s3://bucket/outbox/xmas.json`, and the schedule \
         would send it once more: give one of them a new id"
    );
    assert_eq!(world.take().await.1, 0);

    let world = World::start().await;
    world.tell_all(scheduled.clone()).await.unwrap();
    assert_eq!(world.take().await.1, 20);
    assert_eq!(
        world.upload("xmas.json", &uploaded).await.unwrap_err(),
        "`s3://bucket/outbox/xmas.json`: the campaign `xmas` is sent by a schedule, and the file \
         would send it once more: give it a new id, or the `scheduled_time` of the firing that it \
         is"
    );
    assert_eq!(world.take().await.1, 0);
    // The schedule goes on.
    let mut next = scheduled;
    next["scheduled_time"] = json!("2026-12-26T00:00:00Z");
    world.tell_all(next).await.unwrap();
    assert_eq!(world.take().await.1, 20);
}
