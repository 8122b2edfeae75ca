//! How long each function takes from its start to its first request for an event.
//!
//! ```text
//! cargo build --release -p fanline-producer -p fanline-bookkeeper
//! cargo bench -p fanline-consumer --bench cold_start
//! ```
//!
//! Linux only. Beside them, by turns, runs an empty `lambda_runtime` function: this binary itself.
//! The functions have their settings as the template gives them, but no control object and no
//! secret, which would need AWS. The root certificates come from one file as on Lambda, and from a
//! folder of single files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at what it did not expect, prints, and divides"
)]

mod processor;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use processor::processor_time;

/// The argument that makes this binary the empty function.
const EMPTY: &str = "--empty-function";
const ROUNDS: usize = 100;
/// A function that takes longer does not start.
const MAX_START: Duration = Duration::from_secs(20);

const SETTINGS: [(&str, &str); 10] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("LINE_CHANNEL_ACCESS_TOKEN", "test"),
    (
        "DELIVERY_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/000000000000/d",
    ),
    (
        "DEAD_LETTER_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/000000000000/l",
    ),
    (
        "OUTCOME_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/000000000000/o",
    ),
    ("LEDGER_URI", "s3://ledger/stack"),
];

/// Where the root certificates are.
const ROOTS: [(&str, &str, &str); 2] = [
    (
        "one file",
        "SSL_CERT_FILE",
        "/etc/ssl/certs/ca-certificates.crt",
    ),
    ("a folder", "SSL_CERT_DIR", "/etc/ssl/certs"),
];

/// What one start took.
#[derive(Clone, Copy)]
struct Start {
    wall: Duration,
    cpu: Duration,
}

fn main() {
    if std::env::args().any(|argument| argument == EMPTY) {
        return empty().unwrap();
    }
    // Cargo passes `--bench`. `cargo test` runs this file too, without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let functions = functions();
    let api = Api::start();
    println!("roots      function       start     ratio     CPU     ratio   binary");
    for (name, variable, place) in ROOTS {
        if !Path::new(place).exists() {
            println!("{name:<10} not measured: there is no `{place}`");
            continue;
        }
        let mut starts = vec![Vec::new(); functions.len()];
        for _ in 0..ROUNDS {
            for (function, starts) in functions.iter().zip(&mut starts) {
                starts.push(api.first_request(function, (variable, place)));
            }
        }
        let medians: Vec<Start> = starts.iter().map(|starts| median(starts)).collect();
        for (function, start) in functions.iter().zip(&medians) {
            print(name, function, *start, medians[0]);
        }
    }
}

#[tokio::main]
async fn empty() -> Result<(), Error> {
    let answer = service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload));
    lambda_runtime::run(answer).await
}

/// The empty function first, then ours.
fn functions() -> Vec<PathBuf> {
    let consumer = Path::new(env!("CARGO_BIN_EXE_consumer"));
    let ours = ["producer", "consumer", "bookkeeper"].map(|name| consumer.with_file_name(name));
    for path in &ours {
        assert!(path.exists(), "build it first: {}", path.display());
    }
    [std::env::current_exe().unwrap()]
        .into_iter()
        .chain(ours)
        .collect()
}

/// Lambda's runtime API, as far as the first request.
struct Api {
    address: String,
    requests: Receiver<(Instant, TcpStream)>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (send, requests) = channel();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let mut line = String::new();
                BufReader::new(&connection).read_line(&mut line).unwrap();
                let now = Instant::now();
                assert!(line.contains("/runtime/invocation/next"), "{line}");
                send.send((now, connection)).unwrap();
            }
        });
        Self { address, requests }
    }

    /// Starts a function, and stops it when it asks for an event.
    fn first_request(&self, function: &Path, roots: (&str, &str)) -> Start {
        let name = function.file_stem().unwrap();
        let mut command = Command::new(function);
        command
            .arg(EMPTY)
            .env_clear()
            .envs(SETTINGS)
            .envs([roots, ("AWS_LAMBDA_RUNTIME_API", &self.address)])
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let request = self.requests.recv_timeout(MAX_START);
        let (at, connection) = request.expect("the function does not start");
        let cpu = processor_time(child.id());
        stop(&mut child);
        drop(connection);
        Start {
            wall: at - began,
            cpu,
        }
    }
}

fn stop(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn median(starts: &[Start]) -> Start {
    let middle = |part: fn(&Start) -> Duration| {
        let mut parts: Vec<_> = starts.iter().map(part).collect();
        parts.sort();
        parts[parts.len() / 2]
    };
    Start {
        wall: middle(|start| start.wall),
        cpu: middle(|start| start.cpu),
    }
}

fn print(roots: &str, function: &Path, start: Start, empty: Start) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let ratio = |time: Duration, of: Duration| time.as_secs_f64() / of.as_secs_f64();
    let mebibytes = fs::metadata(function).unwrap().len() as f64 / 1_048_576.0;
    let name = function.file_stem().unwrap().to_string_lossy();
    let name = if name.starts_with("cold_start") {
        "empty"
    } else {
        &name
    };
    println!(
        "{roots:<10} {name:<11} {:>6.2} ms {:>7.2} x {:>6.2} ms {:>6.2} x {mebibytes:>5.1} MiB",
        milliseconds(start.wall),
        ratio(start.wall, empty.wall),
        milliseconds(start.cpu),
        ratio(start.cpu, empty.cpu),
    );
}
