//! How fast the queue server is, and how much memory it takes.
//!
//! `cargo bench -p fanline-local --bench queue`. The client writes raw bytes to a socket, so that
//! it takes little of the machine. Client and server share the cores, so the messages per second of
//! the server's own processor time say more than those per second of the clock.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first error, and prints its result"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use fanline_local::{QueueOptions, QueueServer};
use fanline_poller::{Poller, PollerOptions};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Requests in flight, each on its own connection.
const IN_FLIGHT: usize = 32;
/// Messages in one measurement.
const MESSAGES: usize = 200_000;
const BODY_BYTES: usize = 200;

fn main() {
    let servers = runtime("server");
    let clients = runtime("client");
    let started = Instant::now();
    let server = servers
        .block_on(QueueServer::start(QueueOptions::default()))
        .unwrap();
    let address: Arc<str> = server.url().trim_start_matches("http://").into();
    clients.block_on(async {
        Connection::open(&address)
            .await
            .call("ListQueues", "{}")
            .await;
    });
    println!(
        "start to first answer: {:.1} ms",
        started.elapsed().as_secs_f64() * 1_000.0
    );
    let before = resident_mib();
    println!(
        "{:>10} {:>22} {:>12} {:>16}",
        "queued", "", "messages/s", "per CPU second"
    );
    for queued in [1_000, 10_000, 100_000, 1_000_000] {
        clients.block_on(fill(&address, queued));
        if queued == 1_000_000 {
            let name = format!("{queued} messages of {BODY_BYTES} bytes");
            println!(
                "{name}: {:.0} MiB resident, {before:.0} before",
                resident_mib()
            );
        }
        let queue = queue_url(&address, queued);
        measure(
            &clients,
            queued,
            "send in batches of 10",
            send(&address, &queue, MESSAGES),
        );
        measure(
            &clients,
            queued,
            "receive and delete",
            drain(&address, &queue, MESSAGES),
        );
        if queued == 1_000_000 {
            measure(
                &clients,
                queued,
                "poller",
                poll(&address, queue.clone(), MESSAGES),
            );
        }
    }
}

/// Empties a queue with a poller, the real client and a function that does nothing.
async fn poll(address: &str, queue: String, messages: usize) {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"));
    let client = aws_sdk_sqs::Client::from_conf(config.build());
    let options = PollerOptions {
        concurrency: IN_FLIGHT,
        ..PollerOptions::new(queue)
    };
    let function = |_| std::future::ready(Ok(serde_json::Value::Null));
    let poller = Poller::start(client, options, function).await.unwrap();
    while poller.counts().deleted.load(Ordering::Relaxed) < messages as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    poller.stop().await;
}

fn runtime(name: &str) -> Runtime {
    Builder::new_multi_thread()
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs work on `MESSAGES` messages and prints its numbers.
fn measure(clients: &Runtime, queued: usize, what: &str, work: impl Future<Output = ()>) {
    let (started, cpu) = (Instant::now(), server_cpu_seconds());
    clients.block_on(work);
    let seconds = started.elapsed().as_secs_f64();
    let cpu = server_cpu_seconds() - cpu;
    println!(
        "{queued:>10} {what:>22} {:>12.0} {:>16.0}",
        MESSAGES as f64 / seconds,
        MESSAGES as f64 / cpu
    );
}

fn queue_url(address: &str, queued: usize) -> String {
    format!("http://{address}/000000000000/q{queued}")
}

/// Creates a queue and sends this many messages to it.
async fn fill(address: &Arc<str>, queued: usize) {
    let body = format!(r#"{{"QueueName":"q{queued}"}}"#);
    Connection::open(address)
        .await
        .call("CreateQueue", &body)
        .await;
    send(address, &queue_url(address, queued), queued).await;
}

/// Sends this many messages.
async fn send(address: &Arc<str>, queue: &str, messages: usize) {
    let text = "x".repeat(BODY_BYTES);
    let entries: Vec<String> = (0..10)
        .map(|id| format!(r#"{{"Id":"{id}","MessageBody":"{text}"}}"#))
        .collect();
    let body = format!(
        r#"{{"QueueUrl":"{queue}","Entries":[{}]}}"#,
        entries.join(",")
    );
    at_once(address, messages, async |connection, left| {
        while take_ten(left) {
            let answer = connection.call("SendMessageBatch", &body).await;
            assert!(memmem::find(answer, br#""Failed":[]"#).is_some());
        }
    })
    .await;
}

/// Receives and deletes this many messages.
async fn drain(address: &Arc<str>, queue: &str, messages: usize) {
    let receive = format!(r#"{{"QueueUrl":"{queue}","MaxNumberOfMessages":10}}"#);
    at_once(address, messages, async |connection, left| {
        while take_ten(left) {
            let answer = connection.call("ReceiveMessage", &receive).await;
            let entries: Vec<String> = memmem::find_iter(answer, br#""ReceiptHandle":""#)
                .map(|at| {
                    let handle = &answer[at + 17..];
                    let end = memchr::memchr(b'"', handle).unwrap();
                    let handle = std::str::from_utf8(&handle[..end]).unwrap();
                    format!(r#"{{"Id":"{at}","ReceiptHandle":"{handle}"}}"#)
                })
                .collect();
            assert_eq!(entries.len(), 10);
            let body = format!(
                r#"{{"QueueUrl":"{queue}","Entries":[{}]}}"#,
                entries.join(",")
            );
            let answer = connection.call("DeleteMessageBatch", &body).await;
            assert!(memmem::find(answer, br#""Failed":[]"#).is_some());
        }
    })
    .await;
}

/// Does the work on `IN_FLIGHT` connections at the same time until nothing is left.
async fn at_once(
    address: &str,
    messages: usize,
    work: impl AsyncFn(&mut Connection, &AtomicUsize),
) {
    let left = AtomicUsize::new(messages);
    let workers = (0..IN_FLIGHT).map(async |_| {
        let mut connection = Connection::open(address).await;
        work(&mut connection, &left).await;
    });
    futures_util::future::join_all(workers).await;
}

fn take_ten(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(10)
    })
    .is_ok()
}

/// A connection with one open request at a time.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            answer: Vec::new(),
        }
    }

    /// Sends a request and gives the body of the answer.
    async fn call(&mut self, action: &str, body: &str) -> &[u8] {
        let request = format!(
            "POST / HTTP/1.1\r\n\
             host: localhost\r\n\
             content-type: application/x-amz-json-1.0\r\n\
             x-amz-target: AmazonSQS.{action}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.answer).await.unwrap(), 0);
            let Some(head) = memmem::find(&self.answer, b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.answer[..head]).unwrap();
            let length = text.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if self.answer.len() == head + 4 + length {
                assert!(text.starts_with("HTTP/1.1 200"), "{text}");
                return &self.answer[head + 4..];
            }
        }
    }
}

/// The processor time of the server's threads so far, in seconds.
fn server_cpu_seconds() -> f64 {
    let mut ticks = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        let (name, rest) = stat.rsplit_once(") ").unwrap();
        if name.ends_with("(server") {
            // Fields 14 and 15: user and system time, in hundredths of a second.
            // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            let times = rest.split(' ').skip(11).take(2);
            ticks += times.map(|time| time.parse::<u64>().unwrap()).sum::<u64>();
        }
    }
    ticks as f64 / 100.0
}

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024.0
}
