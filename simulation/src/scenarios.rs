//! Plans that found a fault. They stay when it is mended.

use std::time::Duration;

use fanline_local::LineFault;

use crate::check::Invariant;
use crate::known::Finding;
use crate::network::{Roads, Spell, SpellKind, Whom};
use crate::plan::{FiringPlan, Plan, Runner, WarmOrder};

/// A plan that found a fault.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What happens, as a sentence.
    pub name: &'static str,
    /// The fault that it found.
    pub finding: Finding,
    /// The invariant that the fault broke.
    pub breaks: Invariant,
    /// Whether it still breaks it.
    pub is_open: bool,
    /// The run.
    pub plan: Plan,
}

/// Every scenario. Whoever mends a fault says so here, and takes it out of `known.rs`.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        mended(stray_refusal()),
        mended(stray_refusal_before_the_end()),
        mended(forbidden_for_one()),
        mended(fired_again_after_a_day()),
        mended(fired_again_and_held()),
        mended(crowd_in_the_last_second()),
        mended(nothing_waits_at_the_end()),
        mended(warm_by_turns()),
        fewer_slots_deployed(),
        mended(failing_head()),
        mended(groups_in_a_hold()),
        mended(bad_token_fills_the_queue()),
        mended(outage_fills_the_queue()),
        mended(faults_fill_the_queue()),
        mended(slow_neighbour()),
        mended(listed_in_two_slices()),
    ]
}

/// The same, of which nothing must break any more.
fn mended(scenario: Scenario) -> Scenario {
    Scenario {
        is_open: false,
        ..scenario
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn spell(from: Duration, lasts: Duration, kind: SpellKind, whom: Whom) -> Spell {
    Spell {
        from,
        lasts,
        kind,
        whom,
    }
}

fn stray_refusal() -> Scenario {
    let mut plan = Plan::quiet(1, 240);
    plan.line.push_limit = 16.0;
    plan.consumers.concurrency = 2;
    let stray = spell(
        secs(4),
        Duration::from_millis(300),
        SpellKind::Unauthorized,
        Whom::Environment(0),
    );
    plan.line.spells.push(stray);
    Scenario {
        name: "one environment of two gets a stray 401, and there is a backlog",
        finding: Finding::HeldEnvironmentTakesAll,
        breaks: Invariant::NeverIdle,
        is_open: true,
        plan,
    }
}

fn stray_refusal_before_the_end() -> Scenario {
    let mut plan = stray_refusal().plan;
    plan.campaigns[0].expires_after = Some(secs(60));
    Scenario {
        name: "one environment of two gets a stray 401, and the campaign ends soon",
        finding: Finding::HeldEnvironmentTakesAll,
        breaks: Invariant::NothingExpiresIdly,
        is_open: true,
        plan,
    }
}

fn forbidden_for_one() -> Scenario {
    let mut plan = Plan::quiet(1, 200);
    plan.line.push_limit = 20.0;
    plan.consumers.runner = Runner::Worker;
    plan.line.spells.push(spell(
        secs(0),
        plan.lasts,
        SpellKind::Forbidden,
        Whom::Person(7),
    ));
    Scenario {
        name: "one person's request is answered 403, and the worker has a backlog",
        finding: Finding::HeldEnvironmentTakesAll,
        breaks: Invariant::NeverIdle,
        is_open: true,
        plan,
    }
}

fn fired_again_after_a_day() -> Scenario {
    let mut plan = Plan::quiet(1, 50);
    let firings = &mut plan.campaigns[0].firings;
    firings.push(firings[0].repeated_at(secs(24 * 3_600 + 1_800)));
    Scenario {
        name: "a run is fired again 24.5 hours after its scheduled time",
        finding: Finding::FiredAgainLater,
        breaks: Invariant::NobodyTwice,
        is_open: true,
        plan,
    }
}

fn fired_again_and_held() -> Scenario {
    let mut plan = Plan::quiet(1, 50);
    let firing = FiringPlan {
        scheduled: None,
        ..FiringPlan::at(Duration::ZERO)
    };
    let again = firing.repeated_at(secs(22 * 3_600));
    plan.campaigns[0].firings = vec![firing, again];
    let (from, lasts) = (secs(21 * 3_600), secs(3 * 3_600 + 600));
    plan.line
        .spells
        .push(spell(from, lasts, SpellKind::Errors, Whom::All));
    plan.queue.max_receive_count = 40;
    plan.lasts = secs(50 * 3_600);
    Scenario {
        name: "a run without a scheduled time is fired again, and LINE is down until it is a day old",
        finding: Finding::FiredAgainLater,
        breaks: Invariant::NobodyTwice,
        is_open: true,
        plan,
    }
}

fn crowd_in_the_last_second() -> Scenario {
    let mut plan = Plan::quiet(1, 240);
    plan.line.push_limit = 16.0;
    plan.consumers.retry_base = secs(60);
    plan.campaigns[0].expires_after = Some(secs(75));
    plan.line
        .spells
        .push(spell(secs(0), secs(30), SpellKind::Errors, Whom::All));
    Scenario {
        name: "LINE is down at first, and waits are longer than the time that is left",
        finding: Finding::LastSecond,
        breaks: Invariant::NothingExpiresIdly,
        is_open: true,
        plan,
    }
}

fn nothing_waits_at_the_end() -> Scenario {
    let mut plan = Plan::quiet(1, 5);
    plan.campaigns[0].expires_after = Some(secs(20));
    plan.consumers.retry_base = secs(1);
    plan.queue.max_receive_count = 8;
    plan.line
        .spells
        .push(spell(secs(0), plan.lasts, SpellKind::Errors, Whom::All));
    Scenario {
        name: "LINE is down until the campaign ends",
        finding: Finding::LastSecond,
        breaks: Invariant::ReasonGiven,
        is_open: true,
        plan,
    }
}

fn warm_by_turns() -> Scenario {
    let mut plan = Plan::quiet(1, 200);
    plan.campaigns[0].alike = 2;
    plan.line.multicast_limit = 4.0;
    plan.consumers.concurrency = 2;
    plan.consumers.runner = Runner::Lambda(WarmOrder::Turns);
    plan.consumers.batch_size = 1;
    plan.consumers.warm = 10;
    plan.roads = Roads {
        from_line: (5, 10),
        ..Roads::default()
    };
    Scenario {
        name: "ten environments are warm and send by turns, and two share the limit",
        finding: Finding::SharesOutnumbered,
        breaks: Invariant::UnderLimit,
        is_open: true,
        plan,
    }
}

fn fewer_slots_deployed() -> Scenario {
    let mut plan = Plan::quiet(1, 240);
    plan.line.push_limit = 16.0;
    plan.consumers.concurrency = 8;
    plan.consumers.changes.push((secs(5), 2));
    Scenario {
        name: "the concurrency is lowered from eight to two, and the function is updated first",
        finding: Finding::SharesOutnumbered,
        breaks: Invariant::UnderLimit,
        is_open: true,
        plan,
    }
}

fn failing_head() -> Scenario {
    let mut plan = Plan::quiet(1, 30);
    plan.queue.is_fifo = true;
    plan.line.spells.push(spell(
        secs(0),
        plan.lasts,
        SpellKind::Errors,
        Whom::Person(0),
    ));
    Scenario {
        name: "one person's requests fail on a FIFO queue",
        finding: Finding::BehindTheHead,
        breaks: Invariant::NeverIdle,
        is_open: true,
        plan,
    }
}

fn groups_in_a_hold() -> Scenario {
    let mut plan = Plan::quiet(1, 150);
    plan.queue.is_fifo = true;
    plan.queue.max_receive_count = 5;
    let no_token = spell(secs(0), secs(7_200), SpellKind::Unauthorized, Whom::All);
    plan.line.spells.push(no_token);
    Scenario {
        name: "the token is not valid for two hours, and the queue is a FIFO queue",
        finding: Finding::BehindTheHead,
        breaks: Invariant::ReasonGiven,
        is_open: true,
        plan,
    }
}

fn bad_token_fills_the_queue() -> Scenario {
    let mut plan = Plan::quiet(1, 200);
    plan.queue.max_in_flight = 150;
    plan.consumers.runner = Runner::Worker;
    plan.consumers.concurrency = 2;
    plan.line
        .spells
        .push(spell(secs(0), secs(20), SpellKind::Unauthorized, Whom::All));
    Scenario {
        name: "the token is not valid for twenty seconds, and there is a backlog",
        finding: Finding::InFlightFull,
        breaks: Invariant::FarFromInFlightLimit,
        is_open: true,
        plan,
    }
}

fn outage_fills_the_queue() -> Scenario {
    let mut plan = Plan::quiet(1, 800);
    plan.queue.max_in_flight = 600;
    plan.consumers.retry_base = secs(60);
    plan.line
        .spells
        .push(spell(secs(0), secs(60), SpellKind::Errors, Whom::All));
    Scenario {
        name: "LINE is down for a minute, and there is a backlog",
        finding: Finding::InFlightFull,
        breaks: Invariant::FarFromInFlightLimit,
        is_open: true,
        plan,
    }
}

fn faults_fill_the_queue() -> Scenario {
    let mut plan = Plan::quiet(1, 600);
    // As in a real stack: what LINE takes in a minute.
    plan.line.push_limit = 8.0;
    plan.queue.max_in_flight = 480;
    plan.consumers.retry_base = secs(10);
    let faults = &mut plan.line.faults;
    faults.seed = 1;
    faults.rates.insert(LineFault::ErrorBefore, 0.8);
    Scenario {
        name: "four of five requests fail, and there is a backlog",
        finding: Finding::InFlightFull,
        breaks: Invariant::FarFromInFlightLimit,
        is_open: true,
        plan,
    }
}

fn slow_neighbour() -> Scenario {
    let mut plan = Plan::quiet(1, 10);
    plan.campaigns[0].expires_after = Some(secs(40));
    plan.consumers.retry_base = secs(600);
    plan.consumers.concurrency = 2;
    let lasts = plan.lasts;
    plan.line.spells = vec![
        spell(secs(0), lasts, SpellKind::Silent, Whom::Person(0)),
        spell(secs(0), lasts, SpellKind::Errors, Whom::All),
    ];
    Scenario {
        name: "LINE answers one request of a batch late, and the campaign ends soon",
        finding: Finding::HiddenByItsBatch,
        breaks: Invariant::NotHiddenTooLong,
        is_open: true,
        plan,
    }
}

fn listed_in_two_slices() -> Scenario {
    let mut plan = Plan::quiet(1, 60);
    plan.campaigns[0].alike = 60;
    plan.campaigns[0].doubled = 1;
    plan.producers.slice_bytes = 1_024;
    Scenario {
        name: "a person is listed twice, and the list is cut into slices",
        finding: Finding::ListedInTwoSlices,
        breaks: Invariant::NobodyTwice,
        is_open: true,
        plan,
    }
}
