//! Slices: a list is cut into them, and they are worked on in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use fanline_core::delivery::Delivery;
use fanline_local::{QueueOptions, QueueServer};
use fanline_poller::{Poller, PollerOptions};
use fanline_producer::{Producer, Settings};
use serde_json::{Value, json};

use crate::support::{World, campaign, config, greeting, gzip, user};

/// A list of people whose names have two lines.
fn list(people: usize) -> String {
    let rows: Vec<String> = (0..people)
        .map(|n| format!("{},\"name\n{}\"\n", user(n), n % 7))
        .collect();
    format!("to,name\n{}", rows.concat())
}

/// What these people get.
fn greetings(people: usize) -> Vec<(String, String)> {
    (0..people)
        .map(|n| (user(n), greeting(&format!("name\n{}", n % 7))))
        .collect()
}

const SLICED: [(&str, &str); 2] = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1000")];

/// The world's list has so many people, and has been cut into slices.
async fn cut_list(world: &World, producer: &Producer, people: usize) -> Vec<Value> {
    world.put("bucket/friends.csv", list(people));
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    producer.handle(event, None).await.unwrap();
    world.take_slices()
}

/// The body of a slice's message.
fn body(slice: &Value) -> Value {
    let body = slice["Records"][0]["body"].as_str().unwrap();
    serde_json::from_str(body).unwrap()
}

/// The event of a slice with this body.
fn event(body: &Value) -> Value {
    json!({"Records": [{"body": body.to_string()}]})
}

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
        let body = body(&slice);
        let length = body["end"].as_u64().unwrap() - body["start"]["byte"].as_u64().unwrap();
        assert!(length <= 1000, "{length}");
        let summary = producer.handle(slice, None).await.unwrap();
        assert_eq!(summary.rows, summary.recipients);
        rows += summary.rows;
    }
    assert_eq!(rows, 500);
    assert_eq!(world.sent(), greetings(500));
}

#[tokio::test]
async fn a_slice_that_runs_twice_has_the_same_deliveries() {
    let world = World::start().await;
    let producer = world.producer(&SLICED);
    let slice = cut_list(&world, &producer, 100).await.swap_remove(1);
    producer.handle(slice.clone(), None).await.unwrap();
    let mut once = world.bodies("deliveries");
    producer.handle(slice, None).await.unwrap();
    let mut again = world.bodies("deliveries").split_off(once.len());
    once.sort();
    again.sort();
    assert_eq!(once, again);
}

#[tokio::test]
async fn a_list_with_a_quote_left_open_near_its_end_sends_nothing() {
    let world = World::start().await;
    let list = format!("{}{},\"Ann\n", list(100), user(100));
    world.put("bucket/friends.csv", list);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let producer = world.producer(&SLICED);
    let error = producer.handle(event, None).await.unwrap_err().to_string();
    assert!(
        error.contains("row 101 (line 202) opens a quote that is never closed"),
        "{error}"
    );
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn bad_rows_are_counted_over_the_whole_list_before_anything_is_sent() {
    for (bad, is_sent) in [(1, true), (4, false)] {
        let world = World::start().await;
        let list = format!("{}{}", list(100), "nobody,x\n".repeat(bad));
        world.put("bucket/friends.csv", list);
        let producer = world.producer(&SLICED);
        let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
        let cut = producer.handle(event, None).await;
        assert_eq!(cut.is_ok(), is_sent);
        if let Err(error) = cut {
            assert_eq!(
                error.to_string(),
                "`s3://bucket/friends.csv`: 4 of 104 rows can't be sent, which is more than \
                 `max_bad_rows` allows, so nothing was sent; the first is row 101 (line 202): `to` \
                 is not a LINE user, group or room ID (`U`, `C` or `R` and 32 lower-case \
                 hexadecimal digits); all of them are in \
                 `s3://bucket/friends.csv.rejects/xmas@2126-12-25T00:00:00Z/row-1.csv`"
            );
            assert_eq!(world.requests(), 0);
            continue;
        }
        let mut sum = (0, 0, 0);
        for slice in world.take_slices() {
            let summary = producer.handle(slice, None).await.unwrap();
            sum.0 += summary.rows;
            sum.1 += summary.recipients;
            sum.2 += summary.rejected;
        }
        assert_eq!(sum, (101, 100, 1));
        assert_eq!(world.sent(), greetings(100));
    }
}

#[tokio::test]
async fn a_person_in_two_slices_is_sent_from_the_first_only() {
    let world = World::start().await;
    // The first person comes again with another text, and the second with the same.
    let list = format!("{}{},again\n{},name 1\n", list(100), user(0), user(1));
    world.put("bucket/friends.csv", list);
    let producer = world.producer(&SLICED);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let cut = producer.handle(event, None).await.unwrap();
    let slices = world.take_slices();
    assert!(slices.len() > 4, "{}", slices.len());
    let (mut rows, mut duplicates) = (0, 0);
    for slice in slices.into_iter().rev() {
        let summary = producer.handle(slice, None).await.unwrap();
        rows += summary.rows;
        duplicates += summary.duplicates;
    }
    assert_eq!((rows, duplicates), (cut.sliced_rows, 2));
    assert_eq!(world.sent(), greetings(100));
}

#[tokio::test]
async fn a_person_in_two_windows_of_a_packed_list_is_sent_once() {
    let world = World::start().await;
    let list = format!("{}{},again\n", list(100), user(0));
    world.put("bucket/friends.csv.gz", gzip(list.as_bytes()).await);
    let producer = world.producer(&[("SLICE_BYTES", "1000")]);
    let event = campaign(&json!("s3://bucket/friends.csv.gz"), &json!({}));
    let summary = producer.handle(event, None).await.unwrap();
    assert_eq!((summary.recipients, summary.duplicates), (100, 1));
    assert_eq!(world.sent(), greetings(100));
}

#[tokio::test]
async fn a_list_changed_since_it_was_cut_is_not_read() {
    let world = World::start().await;
    let producer = world.producer(&SLICED);
    let slice = cut_list(&world, &producer, 100).await.swap_remove(0);
    world.put("bucket/friends.csv", list(101));
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
    let producer = world.producer(&SLICED);
    let mut body = body(&cut_list(&world, &producer, 100).await[0]);
    body["run"] = json!("easter@2126-12-25T00:00:00Z");
    let result = producer.handle(event(&body), None).await;
    assert_eq!(
        result.unwrap_err().to_string(),
        "the slice is of run `easter@2126-12-25T00:00:00Z`, \
         but its campaign is of run `xmas@2126-12-25T00:00:00Z`"
    );
}

#[tokio::test]
async fn a_slice_that_does_not_lie_within_its_list_is_refused() {
    let world = World::start().await;
    let producer = world.producer(&SLICED);
    let mut body = body(&cut_list(&world, &producer, 100).await[1]);
    for end in [0, 1_000_000_000] {
        body["end"] = json!(end);
        let result = producer.handle(event(&body), None).await;
        let error = result.unwrap_err().to_string();
        assert!(
            error.starts_with("the slice does not lie within its list"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_packed_list_can_be_checked_in_windows_of_any_size() {
    let world = World::start().await;
    let packed = gzip(list(10).as_bytes()).await;
    world.put("bucket/friends.csv.gz", packed);
    let slice_bytes = u64::MAX.to_string();
    let producer = world.producer(&[("SLICE_BYTES", &slice_bytes)]);
    let event = campaign(&json!("s3://bucket/friends.csv.gz"), &json!({}));
    let summary = producer.handle(event, None).await.unwrap();
    assert_eq!(summary.recipients, 10);
}

/// A producer of files for these two queues.
fn producer(deliveries: &str, slices: &str, config: &SdkConfig) -> Producer {
    let settings = Settings::from_lookup(|name| match name {
        "DELIVERY_QUEUE_URL" => Some(deliveries.to_owned()),
        "SLICE_QUEUE_URL" => Some(slices.to_owned()),
        "SLICE_BYTES" => Some("5000".into()),
        _ => None,
    });
    Producer::new(settings.unwrap(), config).with_local_files()
}

/// Receives deliveries until so many recipients have come.
async fn receive(sqs: &Client, queue_url: &str, recipients: usize) -> Vec<(String, String)> {
    let mut sent = Vec::new();
    while sent.len() < recipients {
        let receive = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10);
        for message in receive.send().await.unwrap().messages.unwrap_or_default() {
            let delivery = Delivery::decode(&message.body.unwrap()).unwrap();
            let messages = delivery.messages().get().to_owned();
            let recipients = delivery.recipients.iter();
            sent.extend(recipients.map(|to| (to.clone(), messages.clone())));
        }
    }
    sent.sort();
    sent
}

#[tokio::test]
async fn slices_go_through_a_queue_and_its_mapping() {
    let server = QueueServer::start(QueueOptions::default()).await.unwrap();
    let config = config(server.url());
    let sqs = Client::new(&config);
    let mut urls = Vec::new();
    for name in ["deliveries", "slices"] {
        let queue = sqs.create_queue().queue_name(name).send().await.unwrap();
        urls.push(queue.queue_url.unwrap());
    }
    let directory = std::env::temp_dir().join(format!("fanline-slices-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("friends.csv");
    std::fs::write(&path, list(500)).unwrap();
    let producer = Arc::new(producer(&urls[0], &urls[1], &config));
    let event = campaign(&json!(path), &json!({}));
    let cut = producer.handle(event, None).await.unwrap();
    assert!(cut.slices > 3);

    let rows = Arc::new(AtomicU64::new(0));
    let options = PollerOptions {
        batch_size: 1,
        report_failures: false,
        ..PollerOptions::new(&urls[1])
    };
    let (worker, counted) = (Arc::clone(&producer), Arc::clone(&rows));
    let mapping = Poller::start(sqs.clone(), options, move |event| {
        let (worker, counted) = (Arc::clone(&worker), Arc::clone(&counted));
        async move {
            let summary = worker.handle(event, None).await;
            let summary = summary.map_err(|error| error.to_string())?;
            counted.fetch_add(summary.rows, Ordering::Relaxed);
            Ok(Value::Null)
        }
    });
    let mapping = mapping.await.unwrap();
    let all_published = async {
        while producer.progress().recipients() < 500 {
            tokio::task::yield_now().await;
        }
    };
    let published = tokio::time::timeout(Duration::from_mins(1), all_published).await;
    published.unwrap();
    mapping.stop().await;
    assert_eq!(rows.load(Ordering::Relaxed), cut.sliced_rows);
    assert_eq!(receive(&sqs, &urls[0], 500).await, greetings(500));
    std::fs::remove_dir_all(directory).unwrap();
}
