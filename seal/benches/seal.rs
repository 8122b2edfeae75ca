//! How long it takes to seal a delivery and to open it, and how many bytes longer it is.
//!
//! `cargo bench -p fanline-seal`. One thread, so the time is processor time on a quiet machine.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first error, and prints its result"
)]

use std::hint::black_box;
use std::time::Instant;

use fanline_seal::{Label, SealedBody, SliceKey};
use zeroize::Zeroizing;

const ROUNDS: u32 = 20_000;

fn main() {
    // `cargo bench` passes `--bench`. `cargo test --benches` runs this file without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let plain = Zeroizing::new(vec![7; 32]);
    // KMS makes encrypted data keys of this length.
    let key = SliceKey::new("xmas@2026-12-25T00:00:00Z", "1", &plain, vec![1; 184]).unwrap();
    println!("delivery      plain bytes  sealed bytes   seal µs   open µs");
    for (name, bytes) in [
        ("one person", 300),
        ("long text", 1_500),
        ("500 people", 19_500),
    ] {
        let delivery = "x".repeat(bytes);
        let label = Label {
            at: Some("1:4711"),
            people: 1,
        };
        let sealed = key.seal(&delivery, label);
        let seal = microseconds(|| drop(black_box(key.seal(black_box(&delivery), label))));
        let open = microseconds(|| {
            let body = SealedBody::parse(black_box(&sealed)).unwrap();
            drop(black_box(key.open(&body).unwrap()));
        });
        println!(
            "{name:10} {bytes:14} {:13} {seal:9.2} {open:9.2}",
            sealed.len()
        );
    }
}

fn microseconds(act: impl Fn()) -> f64 {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| act());
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}
