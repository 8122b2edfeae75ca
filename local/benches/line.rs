//! How many requests a second the simulated LINE answers, their processor time, and the memory of a
//! ledger with a million entries.
//!
//! `cargo bench -p fanline-local --bench line`. The client writes to a plain socket in each of 32
//! threads, so that it takes little of the machine. The processor time of the server is counted by
//! the name of its threads (Linux only).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first error, and prints its result"
)]

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use fanline_local::{LineOptions, LineServer};

const CLIENTS: u32 = 32;
/// The name of the server's threads. Linux keeps 15 bytes of it.
const SERVER_THREADS: &str = "simulated-line";

fn main() {
    // `cargo bench` passes `--bench`. `cargo test --benches` runs this file without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("requests     in all    a second   a CPU-second of the server   resident after");
    measure("push", 300_000, 1);
    measure("multicast", 6_000, 500);
    measure("push", 1_000_000, 1);
}

/// Sends `requests`, each with another key and other people, and prints its numbers.
fn measure(endpoint: &str, requests: u32, people: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(SERVER_THREADS)
        .enable_all()
        .build()
        .unwrap();
    let options = LineOptions {
        rate_limits: false,
        ..LineOptions::default()
    };
    let line = runtime.block_on(LineServer::start(options)).unwrap();
    let address = line.url().trim_start_matches("http://").to_owned();
    let next = Arc::new(AtomicU32::new(0));
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, next, endpoint) =
                (address.clone(), Arc::clone(&next), endpoint.to_owned());
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= requests {
                        break;
                    }
                    ask(&mut stream, &request(&endpoint, n, people));
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ledger = line.ledger();
    assert_eq!(ledger.accepted_recipients, u64::from(requests * people));
    assert_eq!(ledger.duplicates, 0);
    let cpu = server_cpu_seconds();
    println!(
        "{endpoint:<9} {requests:>9} {:>11.0} {:>27.0} {:>12} MiB",
        f64::from(requests) / seconds,
        f64::from(requests) / cpu,
        resident_mib(),
    );
}

fn request(endpoint: &str, n: u32, people: u32) -> String {
    let mut body = String::from("{\"to\":");
    if people == 1 {
        write!(body, "\"U{n:032x}\"").unwrap();
    } else {
        for i in 0..people {
            let comma = if i == 0 { '[' } else { ',' };
            write!(body, "{comma}\"U{:032x}\"", n * people + i).unwrap();
        }
        body.push(']');
    }
    write!(
        body,
        ",\"messages\":[{{\"type\":\"text\",\"text\":\"早安！今天的折扣碼：{}\"}}]}}",
        n / people
    )
    .unwrap();
    format!(
        "POST /v2/bot/message/{endpoint} HTTP/1.1\r\n\
         host: line\r\n\
         authorization: Bearer token\r\n\
         content-type: application/json\r\n\
         x-line-retry-key: 00000000-0000-4000-8000-{n:012x}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request and reads the answer. It is small, so it comes in one piece.
fn ask(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    let answer = std::str::from_utf8(&answer[..length]).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

/// The processor time of the server's threads, in seconds: fields 14 and 15 of
/// `/proc/self/task/*/stat`, in hundredths of a second.
fn server_cpu_seconds() -> f64 {
    let mut ticks = 0_u32;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
        // A thread that has ended since has no file any more.
        let Ok(stat) = stat else { continue };
        if stat.contains(&format!("({SERVER_THREADS})")) {
            let (_, after_name) = stat.rsplit_once(')').unwrap();
            let fields = after_name.split_whitespace().skip(11).take(2);
            ticks += fields
                .map(|field| field.parse::<u32>().unwrap())
                .sum::<u32>();
        }
    }
    f64::from(ticks) / 100.0
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}
