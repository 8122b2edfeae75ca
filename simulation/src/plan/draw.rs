//! A plan from a seed: a small campaign, and up to four mishaps that happen to it.

use std::time::Duration;

use fanline_core::channel::Channel;
use fanline_local::LineFault;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::network::{Spell, SpellKind, Whom};
use crate::plan::{CampaignPlan, FiringPlan, Plan, Runner, WarmOrder};

/// At most so many mishaps happen in one run.
const MAX_MISHAPS: usize = 4;

/// Something that happens to a run: its name, and what it changes in the plan.
type Mishap = (&'static str, fn(&mut Plan, &mut Draw));

/// Everything that can happen. A new mishap changes the plans of most seeds.
const MISHAPS: [Mishap; 22] = [
    ("a bad token in one environment", bad_token_in_one),
    ("a bad token", bad_token),
    ("an outage of LINE", outage),
    ("one person's requests fail", one_person),
    ("single faults of LINE", line_faults),
    ("faults of the queues", queue_faults),
    ("processes die", deaths),
    ("more warm environments than slots", warm_crowd),
    ("another concurrency", another_concurrency),
    ("a FIFO queue", fifo),
    ("it expires soon", expires),
    ("fired again on the same day", fired_again),
    ("fired again after a day", fired_after_a_day),
    ("a daily campaign", daily),
    ("multicasts", multicasts),
    ("a second campaign", second_campaign),
    ("rows that can't be sent", bad_rows),
    ("people whom LINE does not know", unknown_people),
    ("a small quota", quota),
    ("few messages can be in flight", few_in_flight),
    ("LINE Notify", line_notify),
    ("many slices", many_slices),
];

/// The draws of a plan.
struct Draw(StdRng);

impl Draw {
    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }

    fn number(&mut self, least: u32, most: u32) -> u32 {
        self.0.random_range(least..=most)
    }

    fn size(&mut self, least: usize, most: usize) -> usize {
        self.0.random_range(least..=most)
    }

    fn seconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_secs(self.between(least, most))
    }

    /// A time from `least` to `most` milliseconds. Short and long ones are equally frequent.
    fn length(&mut self, least: f64, most: f64) -> Duration {
        let log = self.0.random_range(least.ln()..most.ln());
        Duration::from_secs_f64(log.exp() / 1_000.0)
    }

    fn rate(&mut self, most: f64) -> f64 {
        self.0.random_range(0.0..most)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.size(0, all.len() - 1)]
    }
}

impl Plan {
    /// The plan of a seed. The same seed always gives the same plan.
    pub fn drawn(seed: u64) -> Self {
        let mut draw = Draw(StdRng::seed_from_u64(seed));
        let people = draw.number(20, 300);
        let mut plan = Self::quiet(seed, people);
        plan.consumers.concurrency = draw.size(2, 6);
        plan.consumers.runner = draw.of(&[
            Runner::Lambda(WarmOrder::Last),
            Runner::Lambda(WarmOrder::Turns),
            Runner::Lambda(WarmOrder::Any),
            Runner::Worker,
        ]);
        plan.consumers.retry_base = draw.seconds(1, 10);
        plan.consumers.skew = Duration::from_millis(draw.between(0, 300));
        plan.queue.max_receive_count = draw.of(&[5, 20, 20, 20]);
        // Each environment has a share of one a second at least, as in any real stack.
        plan.line.push_limit = draw.of(&[12.0, 20.0, 40.0, 100.0]);
        plan.line.multicast_limit = draw.of(&[12.0, 30.0]);
        for _ in 0..draw.size(0, MAX_MISHAPS) {
            let (name, happens) = draw.of(&MISHAPS);
            if !plan.mishaps.contains(&name) {
                plan.mishaps.push(name);
                happens(&mut plan, &mut draw);
            }
        }
        plan
    }
}

fn spell(plan: &mut Plan, draw: &mut Draw, kind: SpellKind, whom: Whom, most: f64) {
    plan.line.spells.push(Spell {
        from: draw.length(1.0, 20_000.0),
        lasts: draw.length(300.0, most),
        kind,
        whom,
    });
}

fn bad_token_in_one(plan: &mut Plan, draw: &mut Draw) {
    let whom = Whom::Environment(draw.number(0, 1));
    spell(plan, draw, SpellKind::Unauthorized, whom, 3_600_000.0);
}

fn bad_token(plan: &mut Plan, draw: &mut Draw) {
    spell(plan, draw, SpellKind::Unauthorized, Whom::All, 7_200_000.0);
}

fn outage(plan: &mut Plan, draw: &mut Draw) {
    let kinds = [SpellKind::Unreachable, SpellKind::Errors, SpellKind::Silent];
    let kind = draw.of(&kinds);
    spell(plan, draw, kind, Whom::All, 14_400_000.0);
}

fn one_person(plan: &mut Plan, draw: &mut Draw) {
    let kinds = [SpellKind::Errors, SpellKind::Silent, SpellKind::Forbidden];
    plan.line.spells.push(Spell {
        from: Duration::ZERO,
        lasts: plan.lasts,
        kind: draw.of(&kinds),
        whom: Whom::Person(draw.number(0, 19)),
    });
}

fn line_faults(plan: &mut Plan, draw: &mut Draw) {
    plan.line.faults.seed = draw.between(0, u64::MAX);
    for fault in LineFault::ALL {
        // A stray 401 has a mishap of its own, and stops a whole environment.
        let is_stop = matches!(fault, LineFault::Unauthorized | LineFault::Forbidden);
        let rate = draw.rate(if is_stop { 0.002 } else { 0.05 });
        plan.line.faults.rates.insert(fault, rate);
    }
}

fn queue_faults(plan: &mut Plan, draw: &mut Draw) {
    let faults = &mut plan.queue_faults;
    faults.seed = draw.between(0, u64::MAX);
    faults.failed = draw.rate(0.1);
    faults.throttled = draw.rate(0.05);
    faults.lost = draw.rate(0.05);
    faults.duplicated = draw.rate(0.1);
    faults.short = draw.rate(0.2);
}

fn deaths(plan: &mut Plan, draw: &mut Draw) {
    plan.deaths.rate = draw.rate(0.02);
}

fn warm_crowd(plan: &mut Plan, draw: &mut Draw) {
    let consumers = &mut plan.consumers;
    consumers.warm = consumers.concurrency * draw.size(2, 5);
    let orders = [WarmOrder::Turns, WarmOrder::Any];
    consumers.runner = Runner::Lambda(draw.of(&orders));
    consumers.batch_size = draw.of(&[1, 2, 10]);
}

fn another_concurrency(plan: &mut Plan, draw: &mut Draw) {
    let change = (draw.seconds(1, 20), draw.size(2, 12));
    plan.consumers.changes.push(change);
    plan.consumers.runner = Runner::Lambda(WarmOrder::Last);
}

fn fifo(plan: &mut Plan, _: &mut Draw) {
    plan.queue.is_fifo = true;
}

fn expires(plan: &mut Plan, draw: &mut Draw) {
    let after = draw.length(60_000.0, 7_200_000.0);
    for campaign in &mut plan.campaigns {
        campaign.expires_after = Some(after);
    }
}

/// The last firing of the first campaign once more, so long after its first firing.
fn repeat(plan: &mut Plan, after: Duration) {
    let firings = &mut plan.campaigns[0].firings;
    let again = firings[0].repeated_at(firings[0].at + after);
    firings.push(again);
    firings.sort_by_key(|firing| firing.at);
}

fn fired_again(plan: &mut Plan, draw: &mut Draw) {
    let after = draw.length(100.0, 72_000_000.0);
    repeat(plan, after);
}

fn fired_after_a_day(plan: &mut Plan, draw: &mut Draw) {
    let after = draw.seconds(23 * 3_600, 30 * 3_600);
    repeat(plan, after);
    plan.lasts += Duration::from_hours(30);
}

fn daily(plan: &mut Plan, draw: &mut Draw) {
    let days = draw.between(1, 3);
    let firings = &mut plan.campaigns[0].firings;
    firings.extend((1..=days).map(|day| FiringPlan::at(Duration::from_hours(24 * day))));
    firings.sort_by_key(|firing| firing.at);
    plan.lasts += Duration::from_hours(24 * days);
}

fn multicasts(plan: &mut Plan, draw: &mut Draw) {
    plan.campaigns[0].alike = draw.of(&[2, 10, 500]);
}

fn second_campaign(plan: &mut Plan, draw: &mut Draw) {
    let mut other = CampaignPlan::personal("other", 10_000, draw.number(1, 200));
    other.firings = vec![FiringPlan::at(draw.length(1.0, 600_000.0))];
    other.alike = draw.of(&[1, 1, 7]);
    plan.campaigns.push(other);
}

fn bad_rows(plan: &mut Plan, draw: &mut Draw) {
    let campaign = &mut plan.campaigns[0];
    campaign.bad_rows = draw.number(1, 20);
    campaign.doubled = draw.number(0, 20);
}

fn unknown_people(plan: &mut Plan, draw: &mut Draw) {
    let people = plan.campaigns[0].people;
    let number = draw.size(1, 10);
    plan.line
        .unknown
        .extend((0..number).map(|_| draw.number(0, people - 1)));
}

fn quota(plan: &mut Plan, draw: &mut Draw) {
    plan.line.quota = Some(draw.between(1, 400));
}

fn few_in_flight(plan: &mut Plan, draw: &mut Draw) {
    // More than a consumer of any real stack can have in hand, and less than there are people.
    plan.queue.max_in_flight = 4 * draw.size(150, 300);
    plan.campaigns[0].people *= 4;
}

fn line_notify(plan: &mut Plan, _: &mut Draw) {
    let campaign = &mut plan.campaigns[0];
    campaign.channel = Channel::LineNotify;
    campaign.alike = 1;
}

fn many_slices(plan: &mut Plan, draw: &mut Draw) {
    plan.producers.slice_bytes = draw.between(1_024, 8_192);
}
