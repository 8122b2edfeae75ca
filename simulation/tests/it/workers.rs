//! Workers that come and go, and share LINE's limits by leases.

use std::time::Duration;

use fanline_simulation::{LedgerPlan, Plan, Runner, Stay, StayEnd, run};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn stay(from: u64, end: Option<(u64, StayEnd)>) -> Stay {
    Stay {
        from: secs(from),
        end: end.map(|(at, end)| (secs(at), end)),
    }
}

fn group(seed: u64, people: u32, limit: f64, stays: Vec<Stay>) -> Plan {
    let mut plan = Plan::quiet(seed, people);
    plan.line.push_limit = limit;
    plan.consumers.runner = Runner::Group;
    plan.consumers.stays = stays;
    plan.ledger = Some(LedgerPlan::default());
    plan
}

/// The pace follows the number of workers: all of it is used, and no second has more.
#[test]
fn workers_that_come_and_go_keep_the_limit_and_use_it() {
    let stays = vec![
        stay(0, Some((45, StayEnd::Stops))),
        stay(22, None),
        stay(28, Some((40, StayEnd::Dies))),
        stay(50, None),
    ];
    let mut plan = group(1, 700, 20.0, stays);
    // What was in hand of the one that dies comes again after it.
    plan.queue.visibility = 60;
    let report = run(&plan);
    assert_eq!(report.broken, []);
    // 35 s at the limit, and 17 s until the first worker may send. The end is what comes again.
    assert!(report.lasted > secs(50), "{:?}", report.lasted);
    assert!(report.lasted < secs(115), "{:?}", report.lasted);
}

#[test]
fn drawn_groups_of_workers_never_pass_the_limit() {
    for seed in 1..=2 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut stays = vec![stay(0, None)];
        for _ in 0..random.random_range(2..7) {
            let from = random.random_range(0..60);
            let lasts = random.random_range(3..40);
            let end = match random.random_range(0..3) {
                0 => None,
                1 => Some((from + lasts, StayEnd::Stops)),
                _ => Some((from + lasts, StayEnd::Dies)),
            };
            stays.push(stay(from, end));
        }
        let mut plan = group(seed, 250, 12.0, stays);
        if seed % 2 == 0 {
            let ledger = plan.ledger.as_mut().unwrap();
            ledger.store_down = vec![(secs(random.random_range(20..50)), secs(25))];
        }
        let report = run(&plan);
        assert_eq!(report.broken, [], "seed {seed}: {:?}", plan.consumers.stays);
    }
}
