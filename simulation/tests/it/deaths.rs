//! A process dies at each of its requests.

use fanline_simulation::{CampaignPlan, Death, Moment, Plan, run, unexpected};

/// Ten people who get their own messages, and six who share one.
fn plan() -> Plan {
    let mut plan = Plan::quiet(1, 10);
    let mut other = CampaignPlan::personal("other", 100, 6);
    other.alike = 6;
    plan.campaigns.push(other);
    plan.consumers.concurrency = 2;
    plan
}

#[test]
fn wherever_a_process_dies_everybody_is_reached_once() {
    let whole = run(&plan());
    assert_eq!(whole.broken, []);
    let mut deaths = 0;
    for (process, requests) in (0..).zip(&whole.process_requests) {
        for request in 0..*requests {
            for moment in Moment::ALL {
                let mut plan = plan();
                plan.deaths.exact = Some((process, Death { request, moment }));
                let report = run(&plan);
                let new = unexpected(&plan, &report.broken);
                assert!(new.is_empty(), "{:?}: {new:#?}", plan.deaths);
                deaths += report.deaths;
            }
        }
    }
    assert!(deaths > 40, "{deaths} deaths");
}
