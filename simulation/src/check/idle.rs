//! Nothing waits beside an idle consumer, and nothing expires for want of trying.

use std::time::Duration;

use crate::check::{Broken, Invariant, note};
use crate::log::{ArrivalEndpoint, Happened};
use crate::network::is_fair;
use crate::plan::{Plan, Runner};
use crate::time::Millis;
use crate::world::Ended;

/// Work may wait this long while nothing is sent: a probe, a restart or a cold start is on its way.
const MAX_IDLE: Duration = Duration::from_mins(2);
/// A record that is handed back untried may wait this long before it counts as waiting.
const GRACE: Millis = 10_000;

pub(crate) fn check(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    let end = millis(ended.lasted);
    let waiting = waiting(&ended.happened, end);
    let allowed = meet(&waiting, &fair(plan, &ended.happened, end));
    let quiet = quiet(&ended.happened, end);
    let longest = meet(&allowed, &quiet)
        .into_iter()
        .max_by_key(|(from, to)| to - from);
    if let Some((from, to)) = longest
        && to - from > millis(MAX_IDLE)
    {
        let what = format!(
            "work waited from {} s on, and for {} s nothing was sent",
            from / 1_000,
            (to - from) / 1_000
        );
        note(broken, Invariant::NeverIdle, what);
    }
    expiry(plan, ended, broken);
}

/// Times, each from its first millisecond to the one after its last. Sorted, apart from each other.
type Times = Vec<(Millis, Millis)>;

/// When something could be sent: it is visible, or it was handed back without a request.
fn waiting(happened: &Happened, end: Millis) -> Times {
    let pairs = happened.samples.windows(2);
    let visible = pairs
        .filter(|pair| pair[0].visible > 0 && pair[1].visible > 0)
        .map(|pair| (pair[0].at, pair[1].at));
    let untried = happened
        .hides
        .iter()
        .filter(|hide| !hide.was_asked && hide.at + GRACE < hide.until)
        .map(|hide| (hide.at + GRACE, hide.until.min(end)));
    united(visible.chain(untried).collect())
}

/// When LINE would take a message from somebody.
fn fair(plan: &Plan, happened: &Happened, end: Millis) -> Times {
    let spells = &plan.line.spells;
    let is_alone = plan.consumers.runner == Runner::Worker;
    let mut edges = vec![0, end];
    edges.extend(
        spells
            .iter()
            .flat_map(|spell| [spell.begins(), spell.ends()]),
    );
    edges.retain(|edge| *edge <= end);
    edges.sort_unstable();
    let all = edges.windows(2).map(|pair| (pair[0], pair[1]));
    let mut fair: Times = all
        .filter(|(from, to)| from < to && is_fair(spells, *from, is_alone))
        .collect();
    // Without quota nothing can be sent.
    if plan.line.quota.is_some() {
        let refused = happened.arrivals.iter().find(|a| a.status == Some(429));
        let from = refused.map_or(end, |arrival| arrival.at);
        fair = meet(&fair, &vec![(0, from)]);
    }
    united(fair)
}

/// Whether LINE would have taken any message: the answer is about this message alone.
fn is_taken(status: u16) -> bool {
    status < 500 && !matches!(status, 401 | 403 | 429)
}

/// When LINE took no request.
fn quiet(happened: &Happened, end: Millis) -> Times {
    let sends = happened.arrivals.iter();
    let sends = sends.filter(|arrival| arrival.endpoint != ArrivalEndpoint::Other);
    let sends = sends.filter(|arrival| arrival.status.is_some_and(is_taken));
    let mut edges: Vec<Millis> = sends.map(|arrival| arrival.at).collect();
    edges.extend([0, end]);
    edges.sort_unstable();
    edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Many expire, though LINE could have taken everything twice until then.
fn expiry(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    let letters = ended.leftovers.dead_letters.iter();
    let expired = letters.filter(|letter| letter.reason.as_deref() == Some("expired"));
    let expired = expired.count();
    let deliveries = &ended.happened.deliveries;
    // Single ones may have had bad luck at their last attempt.
    let has_many = expired * 50 > deliveries.len();
    // What a receive loses comes back only when its visibility timeout is over.
    let loses = plan.deaths.rate > 0.0 || plan.queue_faults.lost > 0.0;
    if loses || expired < 3 || !has_many {
        return;
    }
    let from = deliveries.iter().map(|delivery| delivery.at).max();
    let until = deliveries.iter().map(|delivery| delivery.deadline).min();
    let (Some(from), Some(until)) = (from, until.filter(|until| Some(*until) > from)) else {
        return;
    };
    let fair = meet(&fair(plan, &ended.happened, until), &vec![(from, until)]);
    let seconds = fair.iter().map(|(from, to)| to - from).sum::<Millis>() / 1_000;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let could = slowest_limit(plan) * seconds as f64;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let needed = 2.0 * deliveries.len() as f64;
    if could >= needed {
        let what = format!(
            "{expired} of {} deliveries expired, and LINE could have taken {could} until then",
            deliveries.len()
        );
        note(broken, Invariant::NothingExpiresIdly, what);
    }
}

/// How many requests a second LINE takes of everything that the plan sends.
fn slowest_limit(plan: &Plan) -> f64 {
    let mut campaigns = plan.campaigns.iter();
    if campaigns.any(|campaign| campaign.alike > 1) {
        plan.line.push_limit.min(plan.line.multicast_limit)
    } else {
        plan.line.push_limit
    }
}

/// The same times, sorted and apart from each other.
fn united(mut times: Times) -> Times {
    times.sort_unstable();
    let mut united: Times = Vec::with_capacity(times.len());
    for (from, to) in times {
        match united.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => united.push((from, to)),
        }
    }
    united
}

/// The times that are in both.
fn meet(one: &Times, two: &Times) -> Times {
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::new();
    while i < one.len() && j < two.len() {
        let (from, to) = (one[i].0.max(two[j].0), one[i].1.min(two[j].1));
        if from < to {
            both.push((from, to));
        }
        if one[i].1 < two[j].1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_united_and_met() {
        let times = united(vec![(5, 7), (0, 2), (1, 3), (7, 9)]);
        assert_eq!(times, [(0, 3), (5, 9)]);
        assert_eq!(
            meet(&times, &vec![(2, 6), (8, 20)]),
            [(2, 3), (5, 6), (8, 9)]
        );
        assert_eq!(meet(&times, &Vec::new()), []);
    }
}
