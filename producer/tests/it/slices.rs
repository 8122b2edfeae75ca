//! Slices: cut, worked on in any order, broken off and taken up again.

use std::sync::{Arc, Mutex};

use fanline_core::delivery::Delivery;
use fanline_local::{QueueOptions, QueueServer};
use fanline_poller::{Poller, PollerOptions};
use fanline_producer::{Producer, Settings, Summary};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Fault, World, campaign, greeting, user};

fn list(people: usize) -> String {
    let rows: Vec<String> = (0..people)
        .map(|n| format!("{},\"name\n{}\"\n", user(n), n % 7))
        .collect();
    format!("to,name\n{}", rows.concat())
}

fn wanted(people: usize) -> Vec<(String, String)> {
    (0..people)
        .map(|n| (user(n), greeting(&format!("name\n{}", n % 7))))
        .collect()
}

const SLICED: [(&str, &str); 2] = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1000")];

#[tokio::test]
async fn a_long_list_is_cut_at_rows_and_its_slices_add_up_to_it() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(500));
    let producer = world.producer(&SLICED);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let cut = producer.handle(event, None).await.unwrap();
    assert!(world.entries("deliveries").is_empty());
    assert_eq!((cut.rows, cut.sliced_rows), (0, 500));
    let slices = world.take_slices();
    assert_eq!(slices.len() as u64, cut.slices);
    assert!(slices.len() > 20);

    let mut rows = 0;
    for slice in slices.into_iter().rev() {
        let body = slice["Records"][0]["body"].as_str().unwrap().to_owned();
        let slice_bytes: Value = serde_json::from_str(&body).unwrap();
        let length =
            slice_bytes["end"].as_u64().unwrap() - slice_bytes["start"]["byte"].as_u64().unwrap();
        assert!(length <= 1000, "{length}");
        let summary = producer.handle(slice, None).await.unwrap();
        assert_eq!(summary.rows, summary.recipients);
        rows += summary.rows;
    }
    assert_eq!(rows, 500);
    assert_eq!(world.sent(), wanted(500));
}

#[tokio::test]
async fn a_slice_that_runs_twice_has_the_same_deliveries() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&SLICED);
    producer
        .handle(
            campaign(&json!("s3://bucket/friends.csv"), &json!({})),
            None,
        )
        .await
        .unwrap();
    let slice = world.take_slices().swap_remove(1);
    producer.handle(slice.clone(), None).await.unwrap();
    let mut once = world.bodies("deliveries");
    producer.handle(slice, None).await.unwrap();
    let mut twice = world.bodies("deliveries").split_off(once.len());
    once.sort();
    twice.sort();
    assert_eq!(once, twice);
}

#[tokio::test]
async fn a_list_with_a_quote_left_open_near_its_end_sends_nothing() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv",
        format!("{}{},\"Ann\n", list(100), user(100)),
    );
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let error = world
        .producer(&SLICED)
        .handle(event, None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("row 101 (line 202) opens a quote that is never closed"),
        "{error}"
    );
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_bad_slice_keeps_its_row_numbers_and_stops_no_other() {
    let world = World::start().await;
    let mut text = list(100);
    text.push_str("nobody,x\n");
    world.put("bucket/friends.csv", text);
    let producer = world.producer(&SLICED);
    producer
        .handle(
            campaign(&json!("s3://bucket/friends.csv"), &json!({})),
            None,
        )
        .await
        .unwrap();
    let mut failed = Vec::new();
    for slice in world.take_slices() {
        failed.extend(producer.handle(slice, None).await.err());
    }
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0]
            .to_string()
            .contains("row 101 (line 202): `to` is not"),
        "{}",
        failed[0]
    );
    let sent = world.sent();
    assert!(sent.len() >= 80, "{}", sent.len());
    assert_eq!(sent, wanted(100)[..sent.len()]);
}

#[tokio::test]
async fn a_list_changed_since_it_was_cut_is_not_read() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&SLICED);
    producer
        .handle(
            campaign(&json!("s3://bucket/friends.csv"), &json!({})),
            None,
        )
        .await
        .unwrap();
    world.put("bucket/friends.csv", list(101));
    let slice = world.take_slices().swap_remove(0);
    let error = producer.handle(slice, None).await.unwrap_err().to_string();
    assert!(
        error.starts_with("`s3://bucket/friends.csv` was changed"),
        "{error}"
    );
    assert!(world.entries("deliveries").is_empty());
}

#[tokio::test]
async fn a_slice_of_another_run_is_not_worked_on() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&SLICED);
    producer
        .handle(
            campaign(&json!("s3://bucket/friends.csv"), &json!({})),
            None,
        )
        .await
        .unwrap();
    let slice = world.take_slices().swap_remove(0);
    let body = slice["Records"][0]["body"]
        .as_str()
        .unwrap()
        .replace("\"run\":\"xmas@", "\"run\":\"easter@");
    let error = producer
        .handle(json!({"Records": [{"body": body}]}), None)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the slice is of run `easter@"), "{error}");
}

/// A deadline that leaves so much time before the producer stops: it keeps a third back.
fn soon(milliseconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_millis(milliseconds * 3 / 2)
}

/// The queue answers this request, counted from now, only when the time is up.
fn stall(world: &World, at: usize, deadline: Timestamp) {
    let mut requests = 0;
    world.script(move |_| {
        requests += 1;
        if requests == at {
            let left = Timestamp::now().duration_until(deadline);
            std::thread::sleep(left.max(SignedDuration::ZERO).unsigned_abs());
        }
        None
    });
}

#[tokio::test]
async fn out_of_time_the_rest_of_a_slice_is_handed_over_and_nothing_is_sent_twice() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv",
        format!("{}nobody,x\n{},again\n", list(300), user(0)),
    );
    let more = json!({"messages": [{"type": "text", "text": "{{ to }}"}]});
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices"), ("SENDS_IN_FLIGHT", "2")]);
    let mut event = Some(campaign(&json!("s3://bucket/friends.csv"), &more));
    let mut sum = Summary::default();
    let mut parts = 0;
    while let Some(part) = event {
        let deadline = soon(1000);
        stall(&world, 10, deadline);
        let summary = producer.handle(part, Some(deadline)).await.unwrap();
        assert_eq!(
            summary.rows,
            summary.recipients + summary.rejected + summary.duplicates
        );
        sum.rows += summary.rows;
        sum.recipients += summary.recipients;
        sum.rejected += summary.rejected;
        sum.duplicates += summary.duplicates;
        parts += 1;
        event = world.take_slices().pop();
        assert_eq!(summary.handed_over, event.is_some());
    }
    assert_eq!(
        (sum.rows, sum.recipients, sum.rejected, sum.duplicates),
        (302, 300, 1, 1)
    );
    assert!(parts >= 3, "{parts}");
    assert_eq!(world.bodies("deliveries").len(), 300);
    assert_eq!(world.sent().len(), 300);
}

#[tokio::test]
async fn out_of_time_without_a_slice_queue_says_where_to_resume() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(300));
    let more = json!({"messages": [{"type": "text", "text": "{{ to }}"}]});
    let producer = world.producer(&[("SENDS_IN_FLIGHT", "1")]);
    let deadline = soon(1000);
    stall(&world, 5, deadline);
    let event = campaign(&json!("s3://bucket/friends.csv"), &more);
    let error = producer
        .handle(event.clone(), Some(deadline))
        .await
        .unwrap_err()
        .to_string();
    let sent = world.sent().len();
    assert_eq!(
        error,
        format!(
            "out of time with {sent} deliveries on the queue; resume at row {}: send the same event with \
             `\"skip_deliveries\": {sent}`, or set `SLICE_QUEUE_URL`",
            sent + 1
        )
    );
    let rest = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"messages": more["messages"], "skip_deliveries": sent}),
    );
    let summary = producer.handle(rest, None).await.unwrap();
    assert_eq!(summary.rows, 300 - sent as u64);
    assert_eq!(world.bodies("deliveries").len(), 300);
    assert_eq!(world.sent().len(), 300);
}

#[tokio::test]
async fn no_time_at_all_is_an_error_and_no_endless_circle() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices")]);
    let error = producer
        .handle(event, Some(soon(-1)))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("there was not enough time to check"),
        "{error}"
    );
    assert_eq!(world.requests(), 0);
}

/// A list for the property: who, which text, and what is wrong with the row.
fn any_rows() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec(
        (
            0usize..150,
            0u8..5,
            prop_oneof![12 => Just(0u8), 1 => 1u8..4],
        ),
        1..200,
    )
}

fn any_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Throttle)),
        1 => Just(Some(Fault::Unavailable)),
        1 => Just(Some(Fault::LostAnswer)),
        2 => prop::collection::vec(0usize..10, 1..6).prop_map(|failed| Some(Fault::Fail(failed))),
    ]
}

/// What the rows ask for, slice by slice: the first row of each person within a slice.
fn asked_for(rows: &[(usize, u8, u8)], slices: &[(usize, usize)]) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    for (start, end) in slices {
        let mut seen = std::collections::BTreeSet::new();
        for (who, text, wrong) in &rows[*start..*end] {
            if *wrong == 0 && seen.insert(*who) {
                asked.push((user(*who), greeting(&format!("text {text}"))));
            }
        }
    }
    asked.sort();
    asked.dedup();
    asked
}

fn written(rows: &[(usize, u8, u8)]) -> String {
    let rows = rows.iter().map(|(who, text, wrong)| match wrong {
        0 => format!("{},\"text {text}\"\r\n", user(*who)),
        1 => format!("{},a,b\n", user(*who)),
        2 => format!("nobody,text {text}\n"),
        _ => "\"a\nb\",\n".to_owned(),
    });
    format!("to,name\r\n{}", rows.collect::<Vec<_>>().concat())
}

/// Any list, any slice size, any faults, any kills: what is on the queue is what the list asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_holds_what_the_list_asks_for_whatever_happens() {
    let input = (
        any_rows(),
        100u64..4000,
        prop::collection::vec(any_fault(), 0..9),
        prop::collection::vec(0u64..40, 0..4),
        1usize..5,
    );
    // The waits between attempts are real, so the cases run side by side; the seed is fixed.
    let mut runner = TestRunner::deterministic();
    let mut cases = JoinSet::new();
    for case in 0..100 {
        let (rows, slice_bytes, faults, kills, in_flight) =
            input.new_tree(&mut runner).unwrap().current();
        cases.spawn(async move {
            eprintln!(
                "case {case}: {} rows, slices of {slice_bytes}, faults {faults:?}, kills {kills:?}",
                rows.len()
            );
            survive(&rows, slice_bytes, faults, kills, in_flight).await;
        });
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

async fn survive(
    rows: &[(usize, u8, u8)],
    slice_bytes: u64,
    faults: Vec<Option<Fault>>,
    kills: Vec<u64>,
    in_flight: usize,
) {
    let world = World::start().await;
    world.put("bucket/friends.csv", written(rows));
    let (slice_bytes, in_flight) = (slice_bytes.to_string(), in_flight.to_string());
    let settings = [
        ("SLICE_QUEUE_URL", "slices"),
        ("SLICE_BYTES", slice_bytes.as_str()),
        ("SENDS_IN_FLIGHT", in_flight.as_str()),
    ];
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"max_bad_rows": "100%"}),
    );
    let mut faults = faults.into_iter();
    world.script(move |_| faults.next().flatten());

    let producer = world.producer(&settings);
    let mut kills = kills.into_iter();
    let mut events = vec![event];
    let mut slices = Vec::new();
    let mut counted = 0;
    let mut cut_rows = None;
    while let Some(event) = events.pop() {
        // A killed invocation: it is dropped in mid-flight, and its event comes again.
        if let Some(milliseconds) = kills.next() {
            let limit = std::time::Duration::from_millis(milliseconds);
            drop(tokio::time::timeout(limit, producer.handle(event.clone(), None)).await);
            events.extend(world.take_slices());
        }
        let summary = producer.handle(event, None).await.unwrap();
        assert_eq!(
            summary.rows,
            summary.recipients + summary.rejected + summary.duplicates
        );
        if summary.slices > 0 {
            cut_rows = Some(summary.sliced_rows);
            events = world.take_slices();
        } else {
            let start = usize::try_from(
                summary.slice.unwrap()["row-".len()..]
                    .parse::<u64>()
                    .unwrap(),
            )
            .unwrap()
                - 1;
            slices.push((start, start + usize::try_from(summary.rows).unwrap()));
            counted += summary.rows;
        }
    }
    slices.sort_unstable();
    slices.dedup();
    assert_eq!(cut_rows.unwrap_or(rows.len() as u64), rows.len() as u64);
    assert!(counted >= rows.len() as u64);
    assert_eq!(
        slices.iter().map(|(start, end)| end - start).sum::<usize>(),
        rows.len()
    );
    let mut sent = world.sent();
    sent.dedup();
    assert_eq!(sent, asked_for(rows, &slices));
}

#[tokio::test]
async fn slices_go_through_a_queue_and_its_mapping() {
    let server = QueueServer::start(QueueOptions::default()).await.unwrap();
    let config = crate::support::config(server.url());
    let sqs = aws_sdk_sqs::Client::new(&config);
    let mut urls = Vec::new();
    for name in ["deliveries", "slices"] {
        urls.push(
            sqs.create_queue()
                .queue_name(name)
                .send()
                .await
                .unwrap()
                .queue_url
                .unwrap(),
        );
    }
    let directory = std::env::temp_dir().join(format!("fanline-slices-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("friends.csv");
    std::fs::write(&path, list(500)).unwrap();
    let settings = Settings::from_lookup(|name| match name {
        "DELIVERY_QUEUE_URL" => Some(urls[0].clone()),
        "SLICE_QUEUE_URL" => Some(urls[1].clone()),
        "SLICE_BYTES" => Some("5000".into()),
        _ => None,
    });
    let producer = Arc::new(Producer::new(settings.unwrap(), &config).with_local_files());
    let cut = producer
        .handle(campaign(&json!(path), &json!({})), None)
        .await
        .unwrap();
    assert!(cut.slices > 3);

    let reports = Arc::new(Mutex::new(Vec::new()));
    let options = PollerOptions {
        batch_size: 1,
        report_failures: false,
        ..PollerOptions::new(&urls[1])
    };
    let (worker, kept) = (Arc::clone(&producer), Arc::clone(&reports));
    let mapping = Poller::start(sqs.clone(), options, move |event| {
        let (worker, kept) = (Arc::clone(&worker), Arc::clone(&kept));
        async move {
            let summary = worker
                .handle(event, None)
                .await
                .map_err(|error| error.to_string())?;
            kept.lock().unwrap().push(summary.rows);
            Ok(Value::Null)
        }
    });
    let mapping = mapping.await.unwrap();
    let finished = async {
        while producer.progress().recipients() < 500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), finished)
        .await
        .unwrap();
    mapping.stop().await;
    assert_eq!(reports.lock().unwrap().iter().sum::<u64>(), cut.sliced_rows);

    let mut sent = Vec::new();
    while sent.len() < 500 {
        let receive = sqs
            .receive_message()
            .queue_url(&urls[0])
            .max_number_of_messages(10);
        for message in receive.send().await.unwrap().messages.unwrap_or_default() {
            let delivery = Delivery::decode(&message.body.unwrap()).unwrap();
            let messages = delivery.messages().get().to_owned();
            sent.extend(
                delivery
                    .recipients
                    .iter()
                    .map(|to| (to.clone(), messages.clone())),
            );
        }
    }
    sent.sort();
    assert_eq!(sent, wanted(500));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_slice_that_does_not_lie_within_its_list_is_refused() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&SLICED);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    producer.handle(event, None).await.unwrap();
    let slice = world.take_slices().swap_remove(1);
    let body: Value = serde_json::from_str(slice["Records"][0]["body"].as_str().unwrap()).unwrap();
    for end in [0, 1_000_000_000] {
        let mut body = body.clone();
        body["end"] = json!(end);
        let event = json!({"Records": [{"body": body.to_string()}]});
        let error = producer.handle(event, None).await.unwrap_err().to_string();
        assert!(
            error.starts_with("the slice does not lie within its list"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_packed_list_can_be_checked_in_windows_of_any_size() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv.gz",
        crate::support::gzip(list(10).as_bytes()).await,
    );
    let slice_bytes = u64::MAX.to_string();
    let producer = world.producer(&[("SLICE_BYTES", &slice_bytes)]);
    let event = campaign(&json!("s3://bucket/friends.csv.gz"), &json!({}));
    let summary = producer.handle(event, None).await.unwrap();
    assert_eq!(summary.recipients, 10);
}
