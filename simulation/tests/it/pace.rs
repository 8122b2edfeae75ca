//! How long a quiet run takes, against what `fanline plan` says of it.

use std::time::Duration;

use fanline_ledger::{Consumers, Pace, best_pace};
use fanline_simulation::{Plan, Roads, run};

/// `fanline plan` counts on this part of a limit: the pace spreads a second's share over 1.05
/// seconds, and between two batches of ten a consumer loses the place of one request.
const USED: f64 = 10.0 / (11.0 * 1.05);

/// How long a quiet run to so many people lasts, in seconds of virtual time.
fn lasted(people: u32, consumers: usize, latency: u64, limit: u32) -> f64 {
    let mut plan = Plan::quiet(1, people);
    plan.consumers.concurrency = consumers;
    plan.line.push_limit = f64::from(limit);
    plan.roads = Roads {
        to_line: (latency / 2, latency / 2 + 1),
        from_line: (latency / 2, latency / 2 + 1),
        ..plan.roads
    };
    let report = run(&plan);
    assert_eq!(report.broken, []);
    report.lasted.as_secs_f64()
}

#[test]
fn a_run_is_as_fast_as_the_plan_says_within_a_tenth() {
    for (consumers, latency, limit) in [
        // The limit holds it up: each consumer may send 25 a second, or 20.
        (2, 150, 50),
        (3, 150, 60),
        // The consumers hold it up: they wait for LINE.
        (2, 1_000, 200),
    ] {
        let pace = Pace {
            push: Some(limit),
            multicast: None,
        };
        let all = Consumers {
            own: u32::try_from(consumers).unwrap(),
            others: 0,
        };
        let best = best_pace(all, Duration::from_millis(latency), pace).push;
        let planned = 1_200.0 / best.min(USED * f64::from(limit));
        // What a run takes to begin and to end is in both, so the difference is 1,200 people.
        let took =
            lasted(1_500, consumers, latency, limit) - lasted(300, consumers, latency, limit);
        assert!(
            (took / planned - 1.0).abs() < 0.1,
            "{consumers} consumers, {latency} ms, {limit}/s: planned {planned:.1} s, took {took:.1}"
        );
    }
}
