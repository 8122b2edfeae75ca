//! The processor time that a bookkeeper takes for a million outcomes, with S3's client and all.
//!
//! `cargo bench -p fanline-bookkeeper` (Linux only). The bookkeeper has a thread of its own, and
//! only that thread's time counts: the stand-in for S3 runs on another one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't go on has failed, and its figures are printed"
)]

use std::time::Instant;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use fanline_bookkeeper::{Bookkeeper, Event, Settings};
use fanline_ledger::{
    ByEndpoint, CellReason, DeliveryOutcome, Departed, OutcomeMessage, RunKeys, SliceCounts,
    Standing,
};
use fanline_local::{S3Options, S3Server};
use jiff::{Timestamp, ToSpan as _};
use uuid::Uuid;

const RUN: &str = "xmas@2026-12-25T00:00:00Z";
const PEOPLE: u32 = 1_000_000;
/// A mapping with a batch size of 1,000 messages, each with ten outcomes.
const MESSAGES: usize = 1_000;

fn main() {
    // Cargo passes `--bench`; `cargo test` runs this file too, without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (address, stop) = serve();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(&address));
    drop(stop);
}

/// The stand-in for S3 on a thread of its own, until what it gives is dropped.
fn serve() -> (String, tokio::sync::oneshot::Sender<()>) {
    let (started, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let server = S3Server::start(S3Options::default()).await.unwrap();
            let slice = "1".parse().unwrap();
            let counts = SliceCounts::new(slice, u64::from(PEOPLE), 0, 0);
            let counts = counts.published(ByEndpoint {
                push: u64::from(PEOPLE),
                multicast: 0,
            });
            server.put("bucket", &RunKeys::new(RUN).counts(slice), counts.encode());
            started.send(server.url().to_owned()).unwrap();
            drop(stopped.await);
        });
    });
    (address.recv().unwrap(), stop)
}

async fn measure(address: &str) {
    let bookkeeper = bookkeeper(address);
    let events = events();
    let (mut all, mut longest, mut calls) = (0.0, (0.0_f64, 0.0_f64), 0);
    for event in events {
        let (begun, before) = (Instant::now(), thread_seconds());
        // What Lambda's runtime does: the event comes as JSON.
        let event: Event = serde_json::from_str(&event).unwrap();
        let handled = bookkeeper.handle(event).await.unwrap();
        assert!(handled.response.batch_item_failures.is_empty());
        let (wall, cpu) = (begun.elapsed().as_secs_f64(), thread_seconds() - before);
        all += cpu;
        longest = (longest.0.max(cpu), longest.1.max(wall));
        calls += 1;
    }
    let outcomes = f64::from(PEOPLE);
    println!("a million outcomes in {calls} calls of {MESSAGES} messages with ten outcomes:");
    println!("  CPU {all:.2} s, {:.0} outcomes a second", outcomes / all);
    println!(
        "  20,000 outcomes: {:.0} ms of CPU",
        all / outcomes * 20_000.0 * 1_000.0
    );
    println!(
        "  the longest call: {:.0} ms of CPU, {:.0} ms in all",
        longest.0 * 1_000.0,
        longest.1 * 1_000.0
    );
}

fn bookkeeper(address: &str) -> Bookkeeper {
    let settings = Settings::from_lookup(|name| match name {
        "LEDGER_URI" => Some("s3://bucket".to_owned()),
        "OUTCOME_QUEUE_URL" => Some("http://127.0.0.1:9/outcomes".to_owned()),
        "DELIVERY_QUEUE_URL" => Some("http://127.0.0.1:9/deliveries".to_owned()),
        _ => None,
    });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(address)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .build();
    Bookkeeper::new(settings.unwrap(), &config)
}

/// Lambda's events with the messages of a million pushes, one in a hundred refused.
fn events() -> Vec<String> {
    let eight: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
    let push = |number: u32| {
        let is_refused = number.wrapping_mul(2_654_435_761).is_multiple_of(100);
        let (reason, status) = if is_refused {
            (CellReason::Refused, 400)
        } else {
            (CellReason::Accepted, 200)
        };
        DeliveryOutcome {
            standing: Standing::At(format!("1:{number}").parse().unwrap()),
            people: 1,
            reason,
            status: Some(status),
            request_id: Some(Uuid::from_u128(rand::random()).to_string()),
            receives: 1,
            departed: Departed::Answered,
            latency_ms: Some(80 + number % 120),
            time: eight + i64::from(number / 2).milliseconds(),
            words: None,
        }
    };
    let numbers: Vec<u32> = (0..PEOPLE).collect();
    let bodies = numbers.chunks(10).map(|numbers| {
        let message = OutcomeMessage {
            run: RUN.into(),
            retries: 0,
            too_fast: 0,
            outcomes: numbers.iter().map(|number| push(*number)).collect(),
        };
        message.encode().remove(0)
    });
    let bodies: Vec<String> = bodies.collect();
    let event = |bodies: &[String]| {
        let records = bodies.iter().map(|body| {
            serde_json::json!({
                "messageId": Uuid::from_u128(rand::random()),
                "receiptHandle": "x".repeat(180),
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1766649600000"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "awsRegion": "us-east-1",
            })
        });
        serde_json::json!({"Records": records.collect::<Vec<_>>()}).to_string()
    };
    bodies.chunks(MESSAGES).map(event).collect()
}

/// The processor time of this thread so far.
fn thread_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}
