//! How fast a list becomes deliveries, on a queue that answers at once, and what that costs.
//!
//! `cargo bench -p fanline-producer`, or `cargo bench -p fanline-producer -- ROWS` for another
//! number of rows than a million.
//!
//! Every measurement is a process of its own: the most memory that a process has held can't be
//! measured twice. The stand-in for the queue is another process, so that its work is not counted.
//! CPU time is the user and system time of the measured process, from the first row (or ready
//! entry) to the last answer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't go on has failed, and its figures are printed"
)]

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use bytes::Bytes;
use fanline_producer::{Producer, Settings};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const IN_FLIGHT: usize = 32;

/// How often each measurement is made.
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["queue"] => run(answer_at_once()),
        ["fan-out", url, list, text] => run(fan_out(url, list, text)),
        ["bare-sdk", url, rows] => run(bare_sdk(url, rows.parse().unwrap())),
        [] => measure(1_000_000),
        [rows] => measure(rows.parse().unwrap()),
        _ => println!("usage: fanout [ROWS]"),
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work);
}

/// Starts the stand-in, measures everything against it, and prints the figures.
fn measure(rows: usize) {
    let mut queue = myself(&["queue"]);
    let mut url = String::new();
    BufReader::new(queue.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let url = url.trim();
    let directory = std::env::temp_dir().join(format!("fanline-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    println!(
        "{} cores; the queue stand-in is another process on the same machine",
        std::thread::available_parallelism().unwrap()
    );
    measure_one_text(url, &directory, rows);
    measure_personalised(url, &directory, rows / 5);
    queue.kill().unwrap();
    queue.wait().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

/// One text for all, in a list and in one that is ten times as long.
fn measure_one_text(url: &str, directory: &Path, rows: usize) {
    let text = "早安！今天的折扣碼：XMAS";
    let (short, long) = (
        write_list(directory, rows),
        write_list(directory, rows * 10),
    );
    let (short, long) = by_turns(
        &["fan-out", url, path(&short), text],
        &["fan-out", url, path(&long), text],
    );
    show(&format!("one text for all, {rows} rows"), &short, rows);
    let rows = rows * 10;
    show(&format!("one text for all, {rows} rows"), &long, rows);
    println!(
        "  ten times the rows take {:.2} times as long, {:.2} times the CPU time",
        number(&long, "seconds") / number(&short, "seconds"),
        number(&long, "cpu") / number(&short, "cpu")
    );
}

/// A text for each person, beside the bare SDK and beside Python.
fn measure_personalised(url: &str, directory: &Path, rows: usize) {
    let text = "早安 {{ name }}！今天的折扣碼：{{ code }}";
    let list = write_list(directory, rows);
    let (bare, ours) = by_turns(
        &["bare-sdk", url, &rows.to_string()],
        &["fan-out", url, path(&list), text],
    );
    show(
        &format!("the bare SDK with ready-made entries, {rows} messages"),
        &bare,
        rows,
    );
    show(&format!("personalised, {rows} rows"), &ours, rows);
    println!(
        "  in CPU time that is {:.0} % of what the bare SDK sends \
         (the least of {ROUNDS} rounds by turns)",
        number(&bare, "cpu") / number(&ours, "cpu") * 100.0
    );
    measure_python(url, path(&list), rows);
}

/// The figures of two jobs, measured by turns.
fn by_turns(one: &[&str], other: &[&str]) -> (Value, Value) {
    let (one, other): (Vec<Value>, Vec<Value>) =
        (0..ROUNDS).map(|_| (figures(one), figures(other))).unzip();
    (least(&one), least(&other))
}

/// Starts this program as another process, for one measurement or for the queue.
fn myself(arguments: &[&str]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The figures of one measurement.
fn figures(arguments: &[&str]) -> Value {
    let output = myself(arguments).wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The least of each figure: other work of the machine can only add to it. Of memory, the most.
fn least(rounds: &[Value]) -> Value {
    let all = |name: &'static str| rounds.iter().map(move |round| number(round, name));
    let least = |name| all(name).fold(f64::INFINITY, f64::min);
    let peak = all("peak_kib").fold(0.0, f64::max);
    json!({"seconds": least("seconds"), "cpu": least("cpu"), "peak_kib": peak})
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap()
}

fn show(what: &str, figures: &Value, messages: usize) {
    let (seconds, cpu) = (number(figures, "seconds"), number(figures, "cpu"));
    println!(
        "{what}: {seconds:.2} s, {:.0} a second; CPU {cpu:.2} s, {:.2} µs each; at most {:.0} MiB",
        messages as f64 / seconds,
        cpu * 1e6 / messages as f64,
        number(figures, "peak_kib") / 1024.0
    );
}

/// The same job as people do it without this project.
fn measure_python(url: &str, list: &str, messages: usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/boto3_fanout.py");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    match Command::new(python).arg(script).args([url, list]).output() {
        Ok(output) if output.status.success() => {
            let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
            show(
                &format!("Python, boto3 and {IN_FLIGHT} threads, {messages} rows"),
                &figures,
                messages,
            );
        }
        _ => println!("Python: not measured, `python3` (or `$PYTHON`) can't import boto3"),
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A list of people in no order, like an export.
fn write_list(directory: &Path, rows: usize) -> PathBuf {
    let path = directory.join(format!("{rows}.csv"));
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "to,name,code").unwrap();
    for n in 0..rows as u128 {
        let id = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        writeln!(
            file,
            "U{id:032x},王小明 {},XMAS-{:06}",
            n % 997,
            n % 1_000_000
        )
        .unwrap();
    }
    file.flush().unwrap();
    path
}

fn config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "bench",
        )))
        .build()
}

async fn fan_out(url: &str, list: &str, text: &str) {
    let in_flight = IN_FLIGHT.to_string();
    let settings = Settings::from_lookup(|name| match name {
        "DELIVERY_QUEUE_URL" => Some(format!("{url}/0/deliveries")),
        "SENDS_IN_FLIGHT" => Some(in_flight.clone()),
        _ => None,
    });
    let producer = Producer::new(settings.unwrap(), &config(url)).with_local_files();
    let campaign = json!({
        "campaign": "bench", "channel": "line", "recipients": list,
        "messages": [{"type": "text", "text": text}],
    });
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let summary = producer.handle(campaign, None).await.unwrap();
    assert_eq!(summary.rows, summary.recipients);
    report(began, cpu);
}

/// The SDK alone: the entries are ready before the clock starts.
async fn bare_sdk(url: &str, messages: usize) {
    // The client has the producer's settings, so that only the code around it differs.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10));
    let sqs = aws_sdk_sqs::config::Builder::from(&config(url))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    let sqs = aws_sdk_sqs::Client::from_conf(sqs.build());
    let entry = |n: usize| {
        let name = n % 997;
        let body = json!({
            "v": 1, "run": "bench", "channel": "line", "recipients": [format!("U{n:032x}")],
            "messages": [{
                "text": format!("早安 王小明 {name}！今天的折扣碼：XMAS-{n:06}"),
                "type": "text",
            }],
            "started_at": "2026-12-25T00:00:00Z",
        });
        SendMessageBatchRequestEntry::builder()
            .id((n % 10).to_string())
            .message_body(body.to_string())
            .build()
            .unwrap()
    };
    let mut requests: Vec<Vec<SendMessageBatchRequestEntry>> = (0..messages / 10)
        .map(|request| (request * 10..request * 10 + 10).map(entry).collect())
        .collect();
    let url = format!("{url}/0/deliveries");
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let mut tasks = JoinSet::new();
    while let Some(entries) = requests.pop() {
        if tasks.len() >= IN_FLIGHT {
            tasks.join_next().await.unwrap().unwrap();
        }
        let send = sqs
            .send_message_batch()
            .queue_url(&url)
            .set_entries(Some(entries));
        tasks.spawn(async move { assert!(send.send().await.unwrap().failed().is_empty()) });
    }
    while let Some(sent) = tasks.join_next().await {
        sent.unwrap();
    }
    report(began, cpu);
}

fn report(began: Instant, cpu: f64) {
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"seconds": seconds, "cpu": cpu_seconds() - cpu, "peak_kib": peak_kib()})
    );
}

/// User and system time of this process, exact to a hundredth of a second.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse().unwrap())
        .collect();
    (fields[0] + fields[1]) / 100.0
}

/// The most memory that this process has held.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The stand-in for the queue: takes every entry.
async fn answer_at_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            // The client may drop its connection.
            drop(
                connection
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await,
            );
        });
    }
}

async fn answer(request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let entries = memchr::memmem::find_iter(&body, b"\"MessageBody\":").count();
    let rest = "\"MessageId\":\"2b61cc36-1bc0-4c3a-a7a4-0c7c8b0c1f3f\",\
                \"MD5OfMessageBody\":\"d41d8cd98f00b204e9800998ecf8427e\"";
    let taken: Vec<String> = (0..entries)
        .map(|id| format!("{{\"Id\":\"{id}\",{rest}}}"))
        .collect();
    let answer = format!("{{\"Successful\":[{}],\"Failed\":[]}}", taken.join(","));
    Ok(Response::builder()
        .header("content-type", "application/x-amz-json-1.0")
        .body(Full::from(answer))
        .unwrap())
}
