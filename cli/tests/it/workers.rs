//! Real workers that come and go, with the count of the simulated LINE.

mod lambda;
mod stopping;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use fanline_local::{LineOptions, LineServer, QueueOptions, QueueServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Folder, user};

/// Pushes a second of all workers together.
const LIMIT: usize = 60;
const PEOPLE: usize = 900;

struct World {
    runtime: Runtime,
    /// `None` after a test has taken it away.
    queue: Option<QueueServer>,
    line: LineServer,
    folder: Folder,
    deliveries: String,
}

impl World {
    fn start() -> Self {
        Self::with(PEOPLE, LineOptions::default())
    }

    /// So many people wait for a message, and LINE is like this.
    fn with(people: usize, line: LineOptions) -> Self {
        let runtime = Runtime::new().unwrap();
        let (queue, line) = runtime.block_on(async {
            let queue = QueueServer::start(QueueOptions::default()).await.unwrap();
            (queue, LineServer::start(line).await.unwrap())
        });
        // As after the first worker of a stack: parts are given out.
        let leases = r#"{"v":1,"open":true,"workers":{}}"#;
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("runs/control")).unwrap();
        folder.write("runs/control/workers.json", leases);
        let deliveries = format!("{}/000000000000/deliveries", queue.url());
        let world = Self {
            runtime,
            queue: Some(queue),
            line,
            folder,
            deliveries,
        };
        world.publish(people);
        world
    }

    fn sqs(&self) -> Client {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(
                aws_credential_types::provider::SharedCredentialsProvider::new(
                    aws_credential_types::Credentials::new("any", "any", None, None, "test"),
                ),
            )
            .endpoint_url(self.queue_url())
            .build();
        Client::new(&config)
    }

    fn queue_url(&self) -> &str {
        self.queue
            .as_ref()
            .map_or("http://127.0.0.1:9", QueueServer::url)
    }

    fn publish(&self, people: usize) {
        let sqs = self.sqs();
        self.runtime.block_on(async {
            for name in ["deliveries", "dead"] {
                sqs.create_queue().queue_name(name).send().await.unwrap();
            }
            for first in (0..people).step_by(10) {
                let entries = (first..people.min(first + 10)).map(|n| {
                    let body = json!({
                        "v": 1,
                        "run": "xmas@2026-12-25T00:00:00Z",
                        "channel": "line",
                        "recipients": [user(n)],
                        "messages": [{"type": "text", "text": "hello"}],
                        "started_at": Timestamp::now(),
                    });
                    let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
                    entry.message_body(body.to_string()).build().unwrap()
                });
                let send = sqs.send_message_batch().queue_url(&self.deliveries);
                let send = send.set_entries(Some(entries.collect()));
                send.send().await.unwrap();
            }
        });
    }

    /// How many deliveries can be received, and how many are in hand.
    fn waiting(&self) -> (usize, usize) {
        let get = self.sqs().get_queue_attributes();
        let get = get.queue_url(&self.deliveries);
        let get = get.attribute_names(QueueAttributeName::All).send();
        let attributes = self.runtime.block_on(get).unwrap().attributes.unwrap();
        let number = |name: QueueAttributeName| attributes[&name].parse().unwrap();
        (
            number(QueueAttributeName::ApproximateNumberOfMessages),
            number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        )
    }

    /// A worker that shares the pace, with these flags.
    fn worker(&self, flags: &[&str]) -> Child {
        self.command(flags).stdout(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, flags: &[&str]) -> Command {
        let control = self.folder.path("runs");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
        command
            .args(["worker", "--queue-url", &self.deliveries, "--share-pace"])
            .args(["--control", control.to_str().unwrap()])
            .args(flags)
            .env_clear()
            .env("LINE_CHANNEL_ACCESS_TOKEN", "a-token")
            .env("LINE_API_BASE", self.line.url())
            .env("LINE_PUSH_LIMIT", LIMIT.to_string())
            .env(
                "DEAD_LETTER_QUEUE_URL",
                self.deliveries.replace("deliveries", "dead"),
            )
            // As the templates set it where there is no urgent lane.
            .env("URGENT_QUEUE_URL", "")
            .env("AWS_ENDPOINT_URL_SQS", self.queue_url())
            .env("AWS_ACCESS_KEY_ID", "any")
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .env("AWS_REGION", "us-east-1");
        command
    }

    /// The parts of the limits, largest first.
    fn parts(&self) -> Vec<u64> {
        let leases = self.folder.read("runs/control/workers.json");
        let leases: Value = serde_json::from_str(&leases).unwrap();
        let workers = leases["workers"].as_object().unwrap().values();
        let mut parts: Vec<_> = workers.map(|one| one["part"].as_u64().unwrap()).collect();
        parts.sort_unstable_by(|one, other| other.cmp(one));
        parts
    }

    /// The most arrivals of a second, whenever it begins.
    fn fullest_second(&self) -> usize {
        let receipts = (0..PEOPLE).flat_map(|n| self.line.receipts(&user(n)));
        let mut times: Vec<_> = receipts.map(|receipt| receipt.at).collect();
        times.sort();
        let second = SignedDuration::from_secs(1);
        let counts = (0..times.len()).map(|first| {
            let end = times[first] + second;
            times[first..].iter().take_while(|at| **at < end).count()
        });
        counts.max().unwrap_or(0)
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(2), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills the worker where a test fails, so that none is left behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn terminate(worker: &Child) {
    let pid = worker.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.unwrap().success());
}

/// What the health port says: `HTTP/1.1 200 OK`.
fn health(port: u16) -> String {
    let answer = asked(port, "/");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// The health port's answer. It is empty where nobody listens.
fn asked(port: u16, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    let mut request = String::new();
    write!(
        request,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    drop(stream.write_all(request.as_bytes()));
    drop(stream.read_to_string(&mut answer));
    answer
}

#[test]
fn workers_that_come_and_go_share_the_limit_and_finish_what_is_in_hand() {
    let world = World::start();
    let accepted = || world.line.ledger().accepted_recipients;
    let port = free_port();
    let mut first = world.worker(&["--health", &port.to_string()]);
    until("the first one sends", || accepted() > 50);
    assert_eq!(world.parts(), [1_000_000]);
    assert_eq!(health(port), "HTTP/1.1 200 OK");

    let mut second = world.worker(&[]);
    until("both have a half", || world.parts() == [500_000, 500_000]);
    terminate(&first);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    until("the second one has all", || world.parts() == [1_000_000]);
    until("everybody has it", || accepted() == PEOPLE as u64);
    terminate(&second);
    assert_eq!(second.wait().unwrap().code(), Some(0));
    assert!(world.parts().is_empty(), "it gave its lease back");

    // A busy machine holds requests up, and then they arrive close together. Without shares there
    // would be twice as many.
    let fullest = world.fullest_second();
    assert!(fullest <= LIMIT * 5 / 4, "{fullest} in a second");
    assert_eq!(world.line.ledger().duplicates, 0);
}

#[test]
fn flags_of_a_worker_that_do_not_go_together_are_one_sentence() {
    let folder = Folder::new();
    let worker = ["worker", "--queue-url", "http://127.0.0.1:9/0/q"];
    let variables = [
        ("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:9/0/dead"),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ("AWS_REGION", "us-east-1"),
    ];
    let answer = folder.fanline_with(&[&worker[..], &["--share-pace"]].concat(), &variables);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("`CONTROL_URI` is not"), "{answer:?}");
    let with_share = [&variables[..], &[("PUSH_PER_SECOND", "7")]].concat();
    let args = [&worker[..], &["--share-pace", "--control", "runs"]].concat();
    let answer = folder.fanline_with(&args, &with_share);
    assert_eq!(answer.code, Some(2));
    let expected = "`SHARE_PACE` and `PUSH_PER_SECOND` exclude each other";
    assert!(answer.err.contains(expected), "{answer:?}");
    let args = [&worker[..], &["--share-pace", "--workers-at-most", "2"]].concat();
    assert_eq!(folder.fanline_with(&args, &variables).code, Some(2));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let answer = folder.fanline_with(&[&worker[..], &["--health", &port]].concat(), &variables);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("the port can't be used"), "{answer:?}");
}
