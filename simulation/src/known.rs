//! The faults that are known and not mended yet. Whoever mends one takes its lines out.
//!
//! A mend that is not taken out here fails the test of its scenario, so the list stays true.

use std::collections::BTreeSet;

use crate::check::{Broken, Invariant};
use crate::network::SpellKind;
use crate::plan::{Plan, Runner, WarmOrder};

/// A fault of the pipeline, by the number that the scenarios name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Finding {
    /// A held environment hands back everything, beside one that could send it.
    HeldEnvironmentTakesAll,
    /// A run that is fired again after its first 23 hours sends everything again.
    FiredAgainLater,
    /// All waits are cut to the last second before the end.
    LastSecond,
    /// More environments are warm than share the limit.
    SharesOutnumbered,
    /// What waits behind a failing head is never tried.
    BehindTheHead,
    /// What waits fills the queue's messages in flight.
    InFlightFull,
    /// A wait is cut to the end of a delivery when the delivery is handed back, but it counts only
    /// from the end of the whole batch.
    HiddenByItsBatch,
    /// Who is listed in two slices gets two messages.
    ListedInTwoSlices,
}

/// Where a finding shows: an invariant that it breaks, and the plans in which it may.
struct Known {
    finding: Finding,
    invariant: Invariant,
    may_show: fn(&Plan) -> bool,
}

/// No plan has so many deliveries.
const MANY_IN_FLIGHT: usize = 10_000;

const KNOWN: &[Known] = &[
    Known {
        finding: Finding::HeldEnvironmentTakesAll,
        invariant: Invariant::NeverIdle,
        may_show: has_hold,
    },
    Known {
        finding: Finding::HeldEnvironmentTakesAll,
        invariant: Invariant::NothingExpiresIdly,
        may_show: has_hold,
    },
    Known {
        finding: Finding::FiredAgainLater,
        invariant: Invariant::NobodyTwice,
        may_show: is_fired_again,
    },
    Known {
        finding: Finding::LastSecond,
        invariant: Invariant::NothingExpiresIdly,
        may_show: has_faults,
    },
    Known {
        finding: Finding::SharesOutnumbered,
        invariant: Invariant::UnderLimit,
        may_show: is_outnumbered,
    },
    Known {
        finding: Finding::BehindTheHead,
        invariant: Invariant::NeverIdle,
        may_show: |plan| plan.queue.is_fifo,
    },
    Known {
        finding: Finding::BehindTheHead,
        invariant: Invariant::NothingExpiresIdly,
        may_show: |plan| plan.queue.is_fifo,
    },
    Known {
        finding: Finding::BehindTheHead,
        invariant: Invariant::ReasonGiven,
        may_show: |plan| plan.queue.is_fifo,
    },
    Known {
        finding: Finding::InFlightFull,
        invariant: Invariant::FarFromInFlightLimit,
        may_show: has_faults,
    },
    Known {
        finding: Finding::InFlightFull,
        invariant: Invariant::NeverIdle,
        may_show: |plan| has_faults(plan) && plan.queue.max_in_flight < MANY_IN_FLIGHT,
    },
    Known {
        finding: Finding::LastSecond,
        invariant: Invariant::ReasonGiven,
        may_show: has_faults,
    },
    Known {
        finding: Finding::HiddenByItsBatch,
        invariant: Invariant::NotHiddenTooLong,
        may_show: |plan| has_faults(plan) || plan.queue_faults.throttled > 0.0,
    },
    Known {
        finding: Finding::ListedInTwoSlices,
        invariant: Invariant::NobodyTwice,
        may_show: |plan| plan.campaigns.iter().any(|campaign| campaign.doubled > 0),
    },
];

impl Finding {
    /// The findings that are not mended yet.
    pub fn known() -> BTreeSet<Self> {
        KNOWN.iter().map(|known| known.finding).collect()
    }
}

/// The findings that may be why an invariant did not hold.
pub fn known(plan: &Plan, broken: &Broken) -> Vec<Finding> {
    let fits = |known: &&Known| known.invariant == broken.invariant && (known.may_show)(plan);
    KNOWN
        .iter()
        .filter(fits)
        .map(|known| known.finding)
        .collect()
}

/// What did not hold, and is not known.
pub fn unexpected<'a>(plan: &Plan, broken: &'a [Broken]) -> Vec<&'a Broken> {
    let is_new = |broken: &&Broken| known(plan, broken).is_empty();
    broken.iter().filter(is_new).collect()
}

/// An environment may hold: it gets a 401 or a 403.
fn has_hold(plan: &Plan) -> bool {
    use fanline_local::LineFault::{Forbidden, Unauthorized};
    let rates = &plan.line.faults.rates;
    let kinds = [SpellKind::Unauthorized, SpellKind::Forbidden];
    plan.line
        .spells
        .iter()
        .any(|spell| kinds.contains(&spell.kind))
        || [Unauthorized, Forbidden]
            .iter()
            .any(|fault| rates.contains_key(fault))
}

/// Requests to LINE fail again and again.
fn has_faults(plan: &Plan) -> bool {
    !plan.line.faults.rates.is_empty() || !plan.line.spells.is_empty()
}

fn is_fired_again(plan: &Plan) -> bool {
    let mut firings = plan.campaigns.iter().flat_map(|campaign| &campaign.firings);
    firings.any(|firing| firing.is_repeat)
}

/// More environments may send than share the limit.
fn is_outnumbered(plan: &Plan) -> bool {
    let consumers = &plan.consumers;
    let is_in_turns = match consumers.runner {
        Runner::Lambda(WarmOrder::Last) | Runner::Worker => false,
        Runner::Lambda(WarmOrder::Turns | WarmOrder::Any) => consumers.warm > consumers.concurrency,
    };
    is_in_turns || !consumers.changes.is_empty()
}
