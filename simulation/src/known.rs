//! The faults that are known and not mended yet. Whoever mends one takes its lines out.

use crate::check::{Broken, Invariant};
use crate::network::{Spell, Whom};
use crate::plan::Plan;

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

const KNOWN: &[Known] = &[
    // The held environment is the one that Lambda takes again and again.
    Known {
        finding: Finding::HeldEnvironmentTakesAll,
        invariant: Invariant::NeverIdle,
        may_show: |plan| plan.line.spells.iter().any(is_for_one_environment),
    },
    Known {
        finding: Finding::SharesOutnumbered,
        invariant: Invariant::UnderLimit,
        may_show: |plan| !plan.consumers.changes.is_empty(),
    },
    Known {
        finding: Finding::InFlightFull,
        invariant: Invariant::FarFromInFlightLimit,
        may_show: has_faults,
    },
];

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

/// Requests to LINE fail again and again.
fn has_faults(plan: &Plan) -> bool {
    !plan.line.faults.rates.is_empty() || !plan.line.spells.is_empty()
}

fn is_for_one_environment(spell: &Spell) -> bool {
    matches!(spell.whom, Whom::Environment(_))
}
