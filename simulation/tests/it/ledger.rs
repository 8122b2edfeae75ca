//! Runs with a ledger: outcome messages, a bookkeeper that dies, an operator, and a store that does
//! not always work.

use std::time::Duration;

use fanline_simulation::{CampaignPlan, LedgerPlan, Order, Plan, RunReport, run, unexpected};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn with(ledger: LedgerPlan) -> Plan {
    let mut plan = Plan::quiet(1, 120);
    plan.line.push_limit = 8.0;
    plan.ledger = Some(ledger);
    plan
}

fn nothing_breaks(plan: &Plan) {
    let report = run(plan);
    assert_eq!(report.broken, [], "{:?}", plan.ledger);
}

#[test]
fn a_paused_run_goes_on_and_a_cancelled_one_ends() {
    for orders in [
        vec![],
        vec![(secs(5), Order::Pause(0)), (secs(200), Order::Resume(0))],
        vec![(secs(5), Order::Pause(0)), (secs(60), Order::Cancel(0))],
        vec![(secs(5), Order::Cancel(0))],
    ] {
        nothing_breaks(&with(LedgerPlan {
            orders,
            ..LedgerPlan::default()
        }));
    }
}

#[test]
fn a_store_that_is_down_and_a_bookkeeper_that_dies_lose_nothing() {
    nothing_breaks(&with(LedgerPlan {
        orders: vec![(secs(5), Order::Pause(0)), (secs(60), Order::Resume(0))],
        store_down: vec![(secs(8), secs(30)), (secs(62), secs(20))],
        bookkeeper_deaths: 0.1,
    }));
}

/// Two runs of 1,200 people at the same time, and these orders.
fn two_runs(orders: Vec<(Duration, Order)>) -> Plan {
    let mut plan = Plan::quiet(1, 1_200);
    plan.campaigns
        .push(CampaignPlan::personal("beside", 1_200, 1_200));
    plan.ledger = Some(LedgerPlan {
        orders,
        ..LedgerPlan::default()
    });
    plan
}

#[test]
fn a_run_beside_a_parked_one_keeps_its_pace_and_the_bookkeeper_brings_the_other_back() {
    let both = run(&two_runs(vec![]));
    let parked = vec![(secs(3), Order::Pause(0)), (secs(300), Order::Resume(0))];
    let parked = run(&two_runs(parked));
    assert_eq!([&both.broken, &parked.broken], [&vec![], &vec![]]);
    // The runs in the order of their names: the second one is never parked.
    let ends = |report: RunReport| {
        let runs = report.first_requests.into_values();
        runs.map(|(_, last)| last).collect::<Vec<_>>()
    };
    let (both, parked) = (ends(both), ends(parked));
    let (before, after) = (both[1], parked[1]);
    assert!(
        after.as_secs_f64() <= before.as_secs_f64() / 0.95,
        "{before:?} {after:?}"
    );
    // It is asked for within two ticks of the resume.
    let resumed = parked[0];
    assert!(resumed > secs(300) && resumed < secs(500), "{resumed:?}");
}

#[test]
fn the_first_seeds_with_a_ledger_find_nothing_new() {
    for seed in 1..=4 {
        let plan = Plan::drawn_with_ledger(seed);
        let broken = run(&plan).broken;
        let new = unexpected(&plan, &broken);
        assert!(new.is_empty(), "seed {seed}: {:?}: {new:#?}", plan.mishaps);
    }
}
