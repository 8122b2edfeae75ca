//! Campaigns in each form in which they can arrive.

use fanline_core::delivery::Delivery;
use serde_json::{Value, json};

use crate::support::{Fault, World, campaign, greeting, user};

fn rows(names: &[&str]) -> Value {
    names
        .iter()
        .enumerate()
        .map(|(i, name)| json!({"to": user(i), "name": name}))
        .collect()
}

#[tokio::test]
async fn every_row_of_a_campaign_is_on_the_queue_once_and_the_summary_adds_up() {
    let world = World::start().await;
    let mut list = rows(&["Ann", "Bob", "Ann", "山田"]);
    let list_rows = list.as_array_mut().unwrap();
    list_rows.push(json!({"to": user(0), "name": "again"}));
    list_rows.push(json!({"to": "nobody", "name": "x"}));
    let event = campaign(&list, &json!({"max_bad_rows": 1}));
    let producer = world.producer(&[]);
    let summary = producer.handle(event, None).await.unwrap();
    assert_eq!(
        world.sent(),
        [
            (user(0), greeting("Ann")),
            (user(1), greeting("Bob")),
            (user(2), greeting("Ann")),
            (user(3), greeting("山田"))
        ]
    );
    assert_eq!(summary.run, "xmas@2126-12-25T00:00:00Z");
    assert_eq!(
        (
            summary.rows,
            summary.recipients,
            summary.rejected,
            summary.duplicates
        ),
        (6, 4, 1, 1)
    );
    assert_eq!((summary.deliveries, summary.requests), (3, 1));
    let progress = producer.progress();
    assert_eq!(
        (
            progress.rows(),
            progress.recipients(),
            progress.deliveries()
        ),
        (6, 4, 3)
    );
    assert_eq!((progress.rejected(), progress.duplicates()), (1, 1));
}

#[tokio::test]
async fn a_delivery_carries_what_the_consumer_needs_and_no_more() {
    let world = World::start().await;
    let more = json!({"notification_disabled": true, "expires_at": "2030-01-01T00:00:00Z"});
    world
        .producer(&[])
        .handle(campaign(&rows(&["Ann"]), &more), None)
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&world.bodies("deliveries")[0]).unwrap();
    assert!(body["started_at"].is_string());
    assert_eq!(
        body,
        json!({
            "v": 1, "run": "xmas@2126-12-25T00:00:00Z", "channel": "line", "recipients": [user(0)],
            "messages": [{"type": "text", "text": "Hi Ann"}], "notification_disabled": true,
            "started_at": body["started_at"], "expires_at": "2030-01-01T00:00:00Z", "at": "1:0",
        })
    );
}

#[tokio::test]
async fn a_rule_finds_its_campaign_in_the_event_the_setting_or_an_object() {
    let mut plain = campaign(&rows(&["Ann"]), &json!({}));
    plain.as_object_mut().unwrap().remove("scheduled_time");
    let envelope = |detail: &Value| {
        json!({
            "detail-type": "Scheduled Event", "source": "aws.events",
            "time": "2126-11-22T08:00:00Z", "detail": detail,
        })
    };
    let setting = plain.to_string();
    for (settings, event) in [
        (vec![], envelope(&plain)),
        (vec![("CAMPAIGN", setting.as_str())], envelope(&json!({}))),
        (
            vec![("CAMPAIGN", "s3://bucket/campaign.json")],
            envelope(&json!({})),
        ),
    ] {
        let world = World::start().await;
        world.put("bucket/campaign.json", setting.clone());
        let summary = world.producer(&settings).handle(event, None).await.unwrap();
        assert_eq!(summary.run, "xmas@2126-11-22T08:00:00Z");
        assert_eq!(world.sent(), [(user(0), greeting("Ann"))]);
    }
    let world = World::start().await;
    let error = world
        .producer(&[])
        .handle(envelope(&json!({})), None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("`CAMPAIGN` is not set"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_has_a_delivery_of_its_own_and_is_never_written_down() {
    let world = World::start().await;
    let recipients = json!([{"token": "secret-1"}, {"token": "secret-2"}, {"token": "secret 3"}]);
    let more =
        json!({"channel": "line-notify", "messages": {"message": "hi"}, "max_bad_rows": "50%"});
    let settings = [("REJECTS_PREFIX", "s3://bucket/rejects")];
    let summary = world
        .producer(&settings)
        .handle(campaign(&recipients, &more), None)
        .await
        .unwrap();
    assert_eq!((summary.deliveries, summary.rejected), (2, 1));
    assert!(
        world
            .deliveries()
            .iter()
            .all(|delivery| delivery.recipients.len() == 1)
    );
    let rejects = world
        .object("bucket/rejects/xmas@2126-12-25T00:00:00Z/row-1.csv")
        .unwrap();
    assert_eq!(
        rejects,
        "row,line,column,reason,recipient\n\
         3,3,token,`token` is not a LINE Notify token (1 to 512 visible ASCII characters),\n"
    );
}

#[tokio::test]
async fn a_campaign_that_can_not_be_sent_is_an_error_of_one_sentence() {
    let list = rows(&["Ann"]);
    for (event, sentence) in [
        (json!("campaign"), "the event is not a JSON object"),
        (
            campaign(&list, &json!({"colour": "red"})),
            "unknown field `colour`",
        ),
        (
            campaign(&list, &json!({"channel": "telegram"})),
            "unknown variant `telegram`",
        ),
        (campaign(&json!([]), &json!({})), "`recipients` has no rows"),
        (
            campaign(&json!([{"to": user(1)}]), &json!({})),
            "`recipients`: 1 of 1 rows can't be sent, which is more than `max_bad_rows` allows, \
             so nothing was sent; the first is row 1 (line 1): has no `name`",
        ),
        (
            campaign(&list, &json!({"deliver_at": "2999-01-01T00:00:00Z"})),
            "`deliver_at` is more than 15 minutes after the fan-out",
        ),
        (
            campaign(&list, &json!({"expires_at": "2020-01-01T00:00:00Z"})),
            "`expires_at` is past: nothing could be sent",
        ),
        (
            campaign(&list, &json!({"messages": [{"type": "txt", "text": "hi"}]})),
            "`messages[0].type` is no type of message that LINE takes here",
        ),
        (
            campaign(&json!("no/such.csv"), &json!({})),
            "`no/such.csv` does not exist",
        ),
        (
            campaign(&list, &json!({"skip_deliveries": 2})),
            "`skip_deliveries` is not `{\"n\": NUMBER, \"etag\": \"ETAG\"}`",
        ),
    ] {
        let world = World::start().await;
        let error = world
            .producer(&[])
            .handle(event, None)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(sentence), "{error}");
        assert_eq!(world.requests(), 0, "{error}");
    }
}

#[tokio::test]
async fn a_function_reads_no_files() {
    let world = World::start().await;
    let producer = fanline_producer::Producer::new(world.settings(&[]), &world.config());
    let error = producer
        .handle(campaign(&json!("Cargo.toml"), &json!({})), None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("`recipients` is a path"),
        "{error}"
    );
}

#[tokio::test]
async fn deliveries_wait_on_the_queue_until_their_time() {
    let world = World::start().await;
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
    let event = campaign(&rows(&["Ann"]), &json!({"deliver_at": at.to_string()}));
    world.producer(&[]).handle(event, None).await.unwrap();
    let delay = world.entries("deliveries")[0]["DelaySeconds"]
        .as_i64()
        .unwrap();
    assert!((590..=600).contains(&delay), "{delay}");
}

#[tokio::test]
async fn a_fifo_queue_is_told_the_retry_key_and_a_fair_one_the_campaign() {
    let world = World::start().await;
    let event = campaign(&rows(&["Ann"]), &json!({}));
    let fifo = format!("{}/0/deliveries.fifo", world.url);
    let settings = [("DELIVERY_QUEUE_URL", fifo.as_str())];
    world
        .producer(&settings)
        .handle(event.clone(), None)
        .await
        .unwrap();
    let entry = &world.entries("deliveries.fifo")[0];
    let delivery = Delivery::decode(entry["MessageBody"].as_str().unwrap()).unwrap();
    // A group of its own: one delivery that fails stops no other.
    let key = delivery.request().retry_key.to_string();
    assert_eq!(entry["MessageGroupId"], key);
    assert_eq!(entry["MessageDeduplicationId"], key);

    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    let delayed = campaign(&rows(&["Ann"]), &json!({"deliver_at": soon.to_string()}));
    let error = world
        .producer(&settings)
        .handle(delayed, None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`deliver_at` can't be kept by a FIFO queue"),
        "{error}"
    );

    world
        .producer(&[("DELIVERY_QUEUE_GROUPS", "fair")])
        .handle(event, None)
        .await
        .unwrap();
    let entry = &world.entries("deliveries")[0];
    assert_eq!(
        (&entry["MessageGroupId"], &entry["MessageDeduplicationId"]),
        (&json!("xmas"), &Value::Null)
    );
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_tried_and_then_named() {
    // A port that was free a moment ago: nobody listens there.
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/0/deliveries", listener.local_addr().unwrap())
    };
    let world = World::start().await;
    let settings = world.settings(&[("DELIVERY_QUEUE_URL", &url), ("SEND_ATTEMPTS", "3")]);
    let endpoint = url.strip_suffix("/0/deliveries").unwrap();
    let producer = fanline_producer::Producer::new(settings, &crate::support::config(endpoint));
    let error = producer
        .handle(campaign(&rows(&["Ann"]), &json!({})), None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "the queue `deliveries` did not take the request in 3 attempts; the last: "
        ),
        "{error}"
    );
    assert!(
        error.contains("0 deliveries of this invocation are on the queue; resume at row 1"),
        "{error}"
    );
    assert_eq!(producer.progress().deliveries(), 0);
}

#[tokio::test]
async fn an_error_names_no_recipient() {
    let world = World::start().await;
    world.script(|_| Some(Fault::Unavailable));
    let event = campaign(
        &json!([{"to": user(7), "name": "Zacharias"}, {"to": "Zacharias"}]),
        &json!({"max_bad_rows": 5}),
    );
    let error = world
        .producer(&[("SEND_ATTEMPTS", "1")])
        .handle(event, None)
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains(&user(7)) && !shown.contains("Zacharias"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_example_events_reach_every_row() {
    let events = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let read = |name: &str| std::fs::read_to_string(events.join(name)).unwrap();
    for (name, rows, deliveries) in [
        ("inline.json", 4, 4),
        ("scheduler-input.json", 1000, 1000),
        ("scheduled-event.json", 2, 2),
    ] {
        let event: Value = serde_json::from_str(&read(name)).unwrap();
        let world = World::start().await;
        if let Some(path) = event["recipients"]
            .as_str()
            .and_then(|uri| uri.strip_prefix("s3://"))
        {
            world.put(path, read("friends.csv"));
        }
        let summary = world.producer(&[]).handle(event, None).await.unwrap();
        assert_eq!(
            (summary.rows, summary.recipients, summary.deliveries),
            (rows, rows, deliveries),
            "{name}"
        );
        assert_eq!(world.sent().len() as u64, rows, "{name}");
    }
}
