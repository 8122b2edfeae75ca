//! The urgent lane beside a backlog on the other one.

use std::time::Duration;

use fanline_core::campaign::Lane;
use fanline_simulation::{
    CampaignPlan, FiringPlan, Invariant, Plan, RunReport, Runner, WarmOrder, run,
};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A run of `urgent` people on the urgent lane, fired while `backlog` people of another run wait.
fn beside(backlog: u32, urgent: u32, fired: Duration) -> Plan {
    let mut plan = Plan::quiet(1, backlog);
    plan.consumers.urgent = 2;
    plan.campaigns.push(CampaignPlan {
        lane: Lane::Urgent,
        firings: vec![FiringPlan::at(fired)],
        ..CampaignPlan::personal("urgent", backlog, urgent)
    });
    plan
}

/// When the urgent run's first and last requests began, from its firing on.
fn urgent(report: &RunReport, fired: Duration) -> (Duration, Duration) {
    let mut runs = report.first_requests.iter();
    let times = runs.find(|(run, _)| run.starts_with("urgent"));
    let (first, last) = *times.unwrap().1;
    (first.saturating_sub(fired), last.saturating_sub(fired))
}

/// It starts within two seconds, has at least its share, and the other run has the rest. The limit
/// holds, as it must at the end of every run.
fn starts_at_once_and_takes_its_share(plan: &Plan, fired: Duration) {
    let report = run(plan);
    assert_eq!(report.broken, []);
    let (first, last) = urgent(&report, fired);
    assert!(first < secs(2), "{first:?}");
    let people = |number: usize| f64::from(plan.campaigns[number].people);
    let concurrency = |number: usize| f64::from(u32::try_from(number).unwrap());
    let (bulk, urgent) = (plan.consumers.concurrency, plan.consumers.urgent);
    let share = plan.line.push_limit / concurrency(bulk + urgent);
    let expected = |people: f64, consumers: usize| people / (share * concurrency(consumers));
    let (took, at_least) = (last.as_secs_f64(), expected(people(1), urgent));
    // A batch of ten is received, sent and deleted: between two there is a pause.
    assert!(took < at_least * 1.4, "{took} {at_least}");
    let all = report.lasted.as_secs_f64();
    assert!(all < expected(people(0), bulk) * 1.4 + 10.0, "{all}");
    assert!(all > took, "the other run is longer");
}

#[test]
fn an_urgent_run_does_not_wait_behind_a_backlog() {
    let fired = secs(3);
    starts_at_once_and_takes_its_share(&beside(2_400, 300, fired), fired);
}

/// A run of 1,000 while a million wait, with LINE's limits and the template's numbers. It takes
/// half a minute and some gigabytes, so it is not run each time: `make simulate-lanes`.
#[test]
#[ignore = "it takes half a minute when optimised, and many minutes when not"]
fn an_urgent_run_does_not_wait_while_a_million_wait() {
    // A producer needs 80 seconds for so long a list, and the consumers begin at once.
    let fired = secs(85);
    let mut plan = beside(1_150_000, 1_000, fired);
    plan.line.push_limit = 2_000.0;
    plan.line.multicast_limit = 200.0;
    plan.consumers.concurrency = 40;
    plan.producers.slice_bytes = 64 << 20;
    plan.lasts = fired + secs(20);
    let report = run(&plan);
    assert!(report.deliveries > 1_150_000, "all are on the queues");
    let mut waiting = report.waiting.iter();
    let (_, waiting) = waiting.find(|(at, _)| *at >= fired).unwrap();
    assert!(*waiting >= 1_000_000, "{waiting} wait");
    let limits = report.broken.iter();
    let limits = limits.filter(|broken| broken.invariant == Invariant::UnderLimit);
    assert_eq!(limits.count(), 0, "{:?}", report.broken);
    let (first, last) = urgent(&report, fired);
    let at_least = 1_000.0 / (2_000.0 * 2.0 / 42.0);
    let seen = format!(
        "{waiting} wait: first request after {first:?}, last one after {last:?}, {at_least:.1} s at \
         its share; {} requests in {:?}",
        report.requests, report.lasted
    );
    eprintln!("{seen}");
    assert!(first < secs(2), "{seen}");
    assert!(last.as_secs_f64() < at_least * 1.4, "{seen}");
}

#[test]
fn without_a_lane_of_its_own_the_same_run_waits() {
    let mut plan = beside(2_400, 20, secs(1));
    plan.consumers.urgent = 0;
    plan.campaigns[1].lane = Lane::Bulk;
    let report = run(&plan);
    assert_eq!(report.broken, []);
    let (first, _) = urgent(&report, secs(1));
    assert!(first > secs(8), "{first:?}");
}

#[test]
fn multicasts_of_both_lanes_keep_the_limit_together() {
    let fired = secs(2);
    let mut plan = beside(600, 60, fired);
    plan.consumers.runner = Runner::Lambda(WarmOrder::Turns);
    for campaign in &mut plan.campaigns {
        campaign.alike = 2;
    }
    let report = run(&plan);
    assert_eq!(report.broken, []);
    let (first, _) = urgent(&report, fired);
    assert!(first < secs(2), "{first:?}");
}
