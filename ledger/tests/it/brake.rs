//! The brake over whole runs, many times.

use fanline_ledger::{Brake, BrakeRule, Refusals, RefusalsInAMinute};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

/// Runs with one seed each.
const SEEDS: u64 = 10_000;

/// A generator of numbers that is the same everywhere (`SplitMix64`).
struct Seeded(u64);

impl Seeded {
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((z ^ (z >> 31)) >> 32).unwrap();
        f64::from(high) / f64::from(u32::MAX)
    }

    /// How many of `people` are refused, each by a draw of its own.
    fn refused(&mut self, people: u64, share: f64) -> u64 {
        let refused = (0..people).filter(|_| self.draw() < share).count();
        refused as u64
    }
}

/// Settles a run of so many people, so many after each two seconds, until the brake pulls. Returns
/// how many were settled by then.
fn pulled_after(seed: u64, people: u64, each_merge: u64, share: f64) -> Option<u64> {
    let brake = Brake::new(BrakeRule::of_campaign(&json!({})).unwrap());
    let mut draw = Seeded(seed);
    let mut minute = RefusalsInAMinute::default();
    let mut run = Refusals::default();
    let mut now: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
    while run.settled < people {
        let batch = each_merge.min(people - run.settled);
        run.refused += draw.refused(batch, share);
        run.settled += batch;
        now += 2.seconds();
        let last_minute = minute.after_merge(run, now);
        if brake.pulls(run, last_minute).is_some() {
            return Some(run.settled);
        }
    }
    None
}

#[test]
fn a_fifth_refused_pauses_within_a_hundredth_and_an_interval() {
    // 200 people a second, and 1,000.
    for (people, each_merge) in [(100_000, 400), (500_000, 2_000)] {
        let allowed = people / 100 + each_merge;
        let is_late = |seed: &u64| {
            let pulled = pulled_after(*seed, people, each_merge, 0.2);
            pulled.is_none_or(|settled| settled > allowed)
        };
        let late = (0..SEEDS).filter(is_late).count();
        assert_eq!(late, 0, "of {SEEDS}, {people} people");
    }
}

#[test]
fn a_hundredth_refused_never_pauses() {
    for (people, each_merge) in [(2_000, 100), (600, 10)] {
        let paused = (0..SEEDS)
            .filter(|seed| pulled_after(*seed, people, each_merge, 0.01).is_some())
            .count();
        assert_eq!(paused, 0, "of {SEEDS}, {each_merge} each merge");
    }
}
