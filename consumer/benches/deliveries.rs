//! The processor time that one delivery costs the consumer.
//!
//! `cargo bench -p fanline-consumer --bench deliveries` (Linux only). The real handler sends
//! batches of ten over real sockets, without a ledger and with one, by turns. The simulated LINE
//! and the outcome queue run in a process of their own, so that their time is not counted. The log
//! is written as on Lambda, and thrown away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at what it did not expect, prints, and divides"
)]

mod processor;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use fanline_consumer::{Consumer, Settings};
use fanline_local::{LineOptions, LineServer, QueueOptions, QueueServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use processor::processor_time;

/// The argument that makes this binary the simulated LINE.
const LINE: &str = "--simulated-line";
const BATCH: usize = 10;
const ROUNDS: usize = 3;

fn main() {
    if std::env::args().any(|argument| argument == LINE) {
        return runtime().block_on(serve());
    }
    // Cargo passes `--bench`. `cargo test` runs this file too, without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let subscriber = fanline_telemetry::subscriber(|_| None, std::io::sink);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    println!("deliveries   people of each   ledger   a second   CPU of each");
    for round in 0..ROUNDS {
        for (deliveries, people) in [(10_000, 1), (1_000, 500)] {
            for has_ledger in [false, true] {
                runtime().block_on(measure(deliveries, people, has_ledger, round));
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Hands `deliveries` to a new consumer and prints what they cost.
async fn measure(deliveries: usize, people: usize, has_ledger: bool, round: usize) {
    let line = Line::start();
    let consumer = consumer(&line, has_ledger).await;
    let batches: Vec<SqsEvent> = (0..deliveries / BATCH)
        .map(|batch| event(batch * BATCH, people, round))
        .collect();
    // The connections and the caches are warm before the count begins.
    handle(&consumer, event(deliveries, people, round)).await;
    let (began, cpu_before) = (Instant::now(), processor_time("self"));
    for batch in batches {
        handle(&consumer, batch).await;
    }
    let cpu = processor_time("self")
        .saturating_sub(cpu_before)
        .as_secs_f64();
    let seconds = began.elapsed().as_secs_f64();
    let deliveries = deliveries as f64;
    println!(
        "{deliveries:>10} {people:>16} {:>8} {:>10.0} {:>10.2} µs",
        if has_ledger { "yes" } else { "no" },
        deliveries / seconds,
        cpu / deliveries * 1e6
    );
}

async fn handle(consumer: &Consumer, batch: SqsEvent) {
    let deadline = Timestamp::now() + SignedDuration::from_secs(60);
    let handled = consumer.handle(batch, deadline).await;
    assert!(handled.response.batch_item_failures.is_empty());
}

async fn consumer(line: &Line, has_ledger: bool) -> Consumer {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&line.queues)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .build();
    let sqs = aws_sdk_sqs::Client::new(&config);
    let created = sqs.create_queue().queue_name("outcomes").send().await;
    let outcomes = created.unwrap().queue_url.unwrap();
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "LINE_API_BASE" => &line.url,
            "OUTCOME_QUEUE_URL" if has_ledger => &outcomes,
            "LINE_CHANNEL_ACCESS_TOKEN" => "a-token",
            // Nothing is set aside here.
            "DEAD_LETTER_QUEUE_URL" => "http://127.0.0.1:1/0/dead",
            // The whole of LINE's limits. What waits between requests costs something too.
            "PUSH_PER_SECOND" => "1900",
            "MULTICAST_PER_SECOND" => "190",
            _ => return None,
        };
        Some(value.to_owned())
    });
    Consumer::new(settings.unwrap(), &config).await.unwrap()
}

/// A batch of personalised deliveries, numbered from `first`.
fn event(first: usize, people: usize, round: usize) -> SqsEvent {
    let records: Vec<_> = (first..first + BATCH)
        .map(|n| {
            let to: Vec<String> = (0..people)
                .map(|i| format!("U{:032x}", n * people + i))
                .collect();
            let text = format!("good morning number {n}, here is your coupon: {n:08}");
            let body = json!({
                "v": 1,
                "run": format!("xmas-{round}@2026-12-25T00:00:00Z"),
                "channel": "line",
                "recipients": to,
                "messages": [{"type": "text", "text": text}],
                "started_at": Timestamp::now(),
            });
            json!({
                "messageId": n.to_string(),
                "receiptHandle": n.to_string(),
                "body": body.to_string(),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:deliveries",
            })
        })
        .collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The simulated LINE and the outcome queue in a process of their own.
struct Line {
    url: String,
    queues: String,
    child: Child,
}

impl Line {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(LINE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines();
        let mut next = || lines.next().unwrap().unwrap();
        Self {
            url: next(),
            queues: next(),
            child,
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Serves until the process is killed, or until its standard input ends.
async fn serve() {
    let options = LineOptions {
        rate_limits: false,
        ..LineOptions::default()
    };
    let server = LineServer::start(options).await.unwrap();
    let queues = QueueServer::start(QueueOptions::default()).await.unwrap();
    println!("{}\n{}", server.url(), queues.url());
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    parent.await.unwrap().unwrap();
}
