//! The processor time that one delivery costs the consumer.
//!
//! `cargo bench -p fanline-consumer --bench deliveries` (Linux only). The real handler sends
//! batches of ten over real sockets. The simulated LINE runs in a process of its own, so that its
//! time is not counted. The log is written as on Lambda, and thrown away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at what it did not expect, prints, and divides"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use fanline_consumer::{Consumer, Settings};
use fanline_local::{LineOptions, LineServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

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
    println!("deliveries   people of each   a second   CPU of each");
    for round in 0..ROUNDS {
        runtime().block_on(measure(20_000, 1, round));
        runtime().block_on(measure(2_000, 500, round));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Hands `deliveries` to a new consumer and prints what they cost.
async fn measure(deliveries: usize, people: usize, round: usize) {
    let line = Line::start();
    let consumer = consumer(&line.url).await;
    let batches: Vec<SqsEvent> = (0..deliveries / BATCH)
        .map(|batch| event(batch * BATCH, people, round))
        .collect();
    // The connections and the caches are warm before the count begins.
    handle(&consumer, event(deliveries, people, round)).await;
    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    for batch in batches {
        handle(&consumer, batch).await;
    }
    let cpu = cpu_seconds() - cpu_before;
    let seconds = began.elapsed().as_secs_f64();
    let deliveries = deliveries as f64;
    println!(
        "{deliveries:>10} {people:>16} {:>10.0} {:>10.2} µs",
        deliveries / seconds,
        cpu / deliveries * 1e6
    );
}

async fn handle(consumer: &Consumer, batch: SqsEvent) {
    let deadline = Timestamp::now() + SignedDuration::from_secs(60);
    let handled = consumer.handle(batch, deadline).await;
    assert!(handled.response.batch_item_failures.is_empty());
}

async fn consumer(line: &str) -> Consumer {
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "LINE_API_BASE" => line,
            "LINE_CHANNEL_ACCESS_TOKEN" => "a-token",
            // Nothing is set aside here.
            "DEAD_LETTER_QUEUE_URL" => "http://127.0.0.1:1/0/dead",
            "PUSH_PER_SECOND" | "MULTICAST_PER_SECOND" => "100000",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .build();
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

/// The processor time that this process's threads have used. The first number of a thread's
/// `schedstat` is in nanoseconds: <https://docs.kernel.org/scheduler/sched-stats.html>
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanoseconds: u64 = tasks
        .map(|task| {
            let path = task.unwrap().path().join("schedstat");
            let text = std::fs::read_to_string(path).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        })
        .sum();
    nanoseconds as f64 / 1e9
}

/// The simulated LINE in a process of its own.
struct Line {
    url: String,
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
        let mut url = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        Self {
            url: url.trim().to_owned(),
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
    println!("{}", server.url());
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    parent.await.unwrap().unwrap();
}
