//! The faults that are known and not mended yet. Whoever mends one takes its lines out.

use crate::check::{Broken, Invariant};
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

const KNOWN: &[Known] = &[Known {
    finding: Finding::SharesOutnumbered,
    invariant: Invariant::UnderLimit,
    may_show: |plan| !plan.consumers.changes.is_empty(),
}];

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
