//! What the ledger of a million deliveries weighs, and the processor time that it takes.
//!
//! `cargo bench -p fanline-ledger`. Times are user and system time of this process (Linux only): on
//! one thread, so that other work on the machine does not count.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't go on has failed, and its figures are printed"
)]

use std::io::BufReader;
use std::time::Instant;

use fanline_ledger::{
    Book, CellReason, DeliveryOutcome, Departed, HEAD_BYTES, OutcomeMessage, Page, RollReader,
    RollWriter, Sample, SliceId, Standing, Tally, read_tally,
};
use fanline_telemetry::fingerprint::{Fingerprint, Fingerprinter};
use jiff::{Timestamp, ToSpan};

const MILLION: u32 = 1_000_000;
/// What two seconds bring at five times LINE's pushes.
const BATCH: usize = 20_000;

fn main() {
    // Cargo passes `--bench`; `cargo test` runs this file too, without it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    // First, since the most memory that was ever held can't be measured twice.
    large_roll();
    merging();
    sizes();
    rolls();
}

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Seeded(u64);

impl Seeded {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.draw() % u64::from(end)).unwrap()
    }
}

fn slice() -> SliceId {
    "1".parse().unwrap()
}

/// A push as a consumer reports it: mostly accepted, with a request ID and a latency of its own.
fn push(number: u32, seeded: &mut Seeded) -> DeliveryOutcome {
    let eight: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
    let (reason, status) = match seeded.below(1_000) {
        0..10 => (CellReason::Refused, 400),
        10..15 => (CellReason::Accepted, 409),
        _ => (CellReason::Accepted, 200),
    };
    let random = u128::from(seeded.draw()) << 64 | u128::from(seeded.draw());
    DeliveryOutcome {
        standing: Standing::At(format!("1:{number}").parse().unwrap()),
        people: 1,
        reason,
        status: Some(status),
        request_id: Some(uuid::Uuid::from_u128(random).to_string()),
        receives: 1,
        departed: Departed::Answered,
        latency_ms: Some(80 + seeded.below(120)),
        // 2,000 a second, in the order of the queue: almost sorted.
        time: eight + (i64::from(number / 2) + i64::from(seeded.below(900))).milliseconds(),
        words: None,
    }
}

/// The bodies of a million deliveries' outcome messages, ten outcomes each.
fn messages(seeded: &mut Seeded) -> Vec<String> {
    (0..MILLION / 10)
        .map(|message| {
            let first = message * 10;
            let outcomes = (first..first + 10).map(|number| push(number, seeded));
            let message = OutcomeMessage {
                run: "xmas@2026-12-25T00:00:00Z".into(),
                retries: 0,
                too_fast: 0,
                outcomes: outcomes.collect(),
            };
            message.encode().remove(0)
        })
        .collect()
}

/// All that the bookkeeper does with a million outcomes, but for the requests to S3.
fn merging() {
    let bodies = messages(&mut Seeded(1));
    let bytes: usize = bodies.iter().map(String::len).sum();
    println!("outcome message of ten: {} bytes", bytes / bodies.len());
    let mut object = Book::new(slice(), u64::from(MILLION)).encode();
    let (mut page_bytes, mut longest) = (0, 0.0_f64);
    let (mut decoding, mut paging, mut merging) = (0.0, 0.0, 0.0);
    for batch in bodies.chunks(BATCH / 10) {
        let begun = Instant::now();
        let (messages, seconds) = cpu(|| {
            let decode = |body: &String| OutcomeMessage::decode(body).unwrap();
            batch.iter().map(decode).collect::<Vec<_>>()
        });
        decoding += seconds;
        let (page, seconds) = cpu(|| Page::pack(&messages));
        paging += seconds;
        page_bytes += page.len();
        let (merged, seconds) = cpu(|| {
            let mut book = Book::decode(&object).unwrap();
            for outcome in messages.iter().flat_map(|message| &message.outcomes) {
                book.merge(outcome);
            }
            book.encode()
        });
        merging += seconds;
        object = merged;
        longest = longest.max(begun.elapsed().as_secs_f64());
    }
    println!("a million outcomes in batches of {BATCH}, CPU:");
    println!("  decode {decoding:.2} s, page {paging:.2} s, book {merging:.2} s");
    println!(
        "  together {:.2} s; the longest batch took {longest:.3} s",
        decoding + paging + merging
    );
    println!(
        "  pages {:.1} bytes an outcome",
        page_bytes as f64 / f64::from(MILLION)
    );
    let (tally, seconds) = cpu(|| {
        let mut tally = Tally::default();
        for _ in 0..1_000 {
            tally = read_tally(&object[..HEAD_BYTES]).unwrap();
        }
        tally
    });
    assert_eq!(tally.people.all(), u64::from(MILLION));
    println!(
        "tally out of a head of {HEAD_BYTES} bytes: {:.0} µs",
        seconds * 1_000.0
    );
}

/// How large books are.
fn sizes() {
    let show = |what: &str, book: &Book| {
        let (object, packing) = short(|| book.encode());
        let (_, reading) = short(|| Book::decode(&object).unwrap());
        let packed = object.len() - HEAD_BYTES;
        println!(
            "book, {what}: {packed} bytes behind the head, {:.0} ms to pack, {:.0} ms to read",
            packing * 1e3,
            reading * 1e3
        );
    };
    let seeded = &mut Seeded(2);
    let mut book = Book::new(slice(), u64::from(MILLION));
    for number in 0..MILLION {
        if seeded.below(2) == 0 {
            book.merge(&push(number, seeded));
        }
    }
    show("a million half done at random", &book);
    for number in 0..MILLION {
        book.merge(&push(number, seeded));
    }
    show("a million done", &book);
    let mut front = Book::new(slice(), u64::from(MILLION));
    for number in 0..500_000 + 2_000 {
        if number < 500_000 || seeded.below(2) == 0 {
            front.merge(&push(number, seeded));
        }
    }
    show("a million half done in the order of the queue", &front);
    let mut shared = Book::new(slice(), u64::from(MILLION));
    for number in 0..2_000 {
        shared.merge(&DeliveryOutcome {
            people: 500,
            ..push(number, seeded)
        });
    }
    show("2,000 multicasts", &shared);
    let mut split = Book::new(slice(), u64::from(MILLION));
    for number in 0..2_000_u32 {
        for position in 0..500 {
            split.merge(&DeliveryOutcome {
                standing: Standing::At(format!("1:{number}:{position}").parse().unwrap()),
                ..push(number, seeded)
            });
        }
    }
    show("2,000 multicasts, each in 500 parts", &split);
}

/// How large rolls are, and how long they take.
fn rolls() {
    let keyed = Fingerprinter::new("a secret key of a stack");
    let ids: Vec<String> = (0..MILLION).map(|i| format!("U{i:032x}")).collect();
    let (fingerprints, seconds) = cpu(|| ids.iter().map(|id| keyed.of(id)).collect::<Vec<_>>());
    println!("a million fingerprints: {seconds:.2} s of CPU");
    let sample = Sample::new("xmas@2026-12-25T00:00:00Z", "1%".parse().unwrap());
    let has = |person: &u32| sample.has(&format!("U{person:032x}"));
    let (people, seconds) = cpu(|| (0..10 * MILLION).filter(has).count());
    println!("a canary of 1 % of ten million: {people} people, {seconds:.2} s of CPU");
    for (what, people) in [
        ("each in a delivery of its own", 1),
        ("500 in a delivery", 500),
    ] {
        let rows = |delivery: u64| (delivery * people + 1)..=(delivery + 1) * people;
        let deliveries = u64::from(MILLION) / people;
        roll(what, &fingerprints, &(0..deliveries).map(rows));
    }
    // 400 texts by turns, as rows with 400 shops have them.
    let texts = 400;
    let group = |delivery: u64| {
        let (text, block) = (delivery % texts, delivery / texts);
        let first = block * texts * 500 + text + 1;
        (first..first + texts * 500).step_by(400)
    };
    roll("400 texts by turns", &fingerprints, &(0..2_000).map(group));
}

fn roll(
    what: &str,
    fingerprints: &[Fingerprint],
    deliveries: &(impl Iterator<Item = impl Iterator<Item = u64>> + Clone),
) {
    let keyed = Fingerprinter::new("a secret key of a stack");
    let (roll, writing) = short(|| {
        let mut writer = RollWriter::new(Vec::new(), slice(), &keyed).unwrap();
        let (mut next, mut number) = (0, 0);
        for rows in deliveries.clone() {
            let rows: Vec<u64> = rows.collect();
            let last = usize::try_from(*rows.last().unwrap()).unwrap();
            while next < last {
                writer.sent(fingerprints[next]);
                next += 1;
            }
            writer.delivery(number, rows).unwrap();
            number += 1;
        }
        writer.finish().unwrap().0
    });
    let marks = roll.len() - fingerprints.len() * 8;
    let wanted = [fingerprints[fingerprints.len() / 2]];
    let (found, reading) = short(|| {
        let reader = RollReader::new(BufReader::new(&roll[..])).unwrap();
        reader.find(&wanted).unwrap()
    });
    assert_eq!(found.len(), 1);
    println!(
        "roll, {what}: {} bytes, of which marks {marks}; \
         {:.0} ms to write, {:.0} ms to search",
        roll.len(),
        writing * 1e3,
        reading * 1e3
    );
}

/// Writes a roll of ten million rows to a file, as the fan-out of one large list does, and says how
/// much memory it held.
fn large_roll() {
    let keyed = Fingerprinter::new("a secret key of a stack");
    let path = std::env::temp_dir().join(format!("fanline-roll-{}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = RollWriter::new(std::io::BufWriter::new(file), slice(), &keyed).unwrap();
    for row in 1..=10 * u64::from(MILLION) {
        writer.sent(keyed.of(&row.to_string()));
        if row % 500 == 0 {
            let number = u32::try_from(row / 500 - 1).unwrap();
            writer.delivery(number, row - 499..=row).unwrap();
        }
    }
    drop(writer.finish().unwrap());
    let bytes = std::fs::metadata(&path).unwrap().len();
    std::fs::remove_file(&path).unwrap();
    println!(
        "roll of ten million rows: {bytes} bytes; {} KiB held at most",
        peak_kib()
    );
}

/// The most memory that this process ever held.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = peak.unwrap().split_whitespace().nth(1);
    peak.unwrap().parse().unwrap()
}

/// Does the work and gives its processor time in seconds.
fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = processor_seconds();
    let done = work();
    (done, processor_seconds() - before)
}

/// The same for work that is shorter than the clock's tick: it is done twenty times.
fn short<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let (done, seconds) = cpu(|| {
        for _ in 1..20 {
            work();
        }
        work()
    });
    (done, seconds / 20.0)
}

/// The processor time of this process, to the nanosecond: the first field of its `schedstat`.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    let nanoseconds: f64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e9
}
