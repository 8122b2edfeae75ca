//! The scenarios that found a fault.

use std::time::Duration;

use fanline_simulation::{
    Finding, Plan, Scenario, Spell, SpellKind, Whom, run, scenarios, unexpected,
};

/// Runs the scenarios of a finding. The open ones must break their invariant, and the mended ones
/// must break nothing that is not known.
fn find(finding: Finding) {
    let of_finding = |scenario: &Scenario| scenario.finding == finding;
    let scenarios: Vec<Scenario> = scenarios().into_iter().filter(of_finding).collect();
    assert!(!scenarios.is_empty());
    for scenario in scenarios {
        let Scenario {
            name, breaks, plan, ..
        } = scenario;
        let broken = run(&plan).broken;
        let new = unexpected(&plan, &broken);
        assert!(new.is_empty(), "{name}: {new:#?}");
        let shows = broken.iter().any(|broken| broken.invariant == breaks);
        assert_eq!(
            shows, scenario.is_open,
            "{name}: if it is mended, say so in `scenarios.rs`; found: {broken:#?}"
        );
    }
}

#[test]
fn a_held_environment_leaves_the_others_their_work() {
    find(Finding::HeldEnvironmentTakesAll);
}

/// Lambda takes the environment that was used last. That one has a bad token, and there is too
/// little work for it and another one.
#[test]
fn the_last_one_goes_to_an_environment_that_can_send() {
    let mut plan = Plan::quiet(1, 1);
    plan.consumers.concurrency = 2;
    plan.line.spells.push(Spell {
        from: Duration::ZERO,
        lasts: plan.lasts,
        kind: SpellKind::Unauthorized,
        whom: Whom::Environment(0),
    });
    let report = run(&plan);
    assert_eq!(report.broken, []);
    assert!(
        report.lasted < Duration::from_mins(1),
        "{:?}",
        report.lasted
    );
}

#[test]
fn a_run_that_is_fired_again_later_reaches_nobody_twice() {
    find(Finding::FiredAgainLater);
}

#[test]
fn waits_are_spread_over_the_time_that_is_left() {
    find(Finding::LastSecond);
}

#[test]
fn no_number_of_environments_passes_the_limit() {
    find(Finding::SharesOutnumbered);
}

#[test]
fn what_waits_behind_a_failing_head_is_tried() {
    find(Finding::BehindTheHead);
}

#[test]
fn what_waits_leaves_room_in_the_queue() {
    find(Finding::InFlightFull);
}

#[test]
fn nothing_is_hidden_beyond_its_end() {
    find(Finding::HiddenByItsBatch);
}

#[test]
fn who_is_listed_twice_gets_one_message() {
    find(Finding::ListedInTwoSlices);
}

#[test]
fn a_quiet_run_breaks_nothing() {
    let plan = Plan::quiet(1, 100);
    let report = run(&plan);
    assert_eq!(report.broken, []);
    assert_eq!((report.deliveries, report.requests), (100, 100));
    assert!(report.lasted.as_secs() < 10, "{:?}", report.lasted);
}
