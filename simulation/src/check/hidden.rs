//! Nothing is hidden beyond the time in which it may be sent.

use crate::check::{Broken, Invariant, note};
use crate::world::Ended;

/// SQS counts in whole seconds, and clocks differ.
const TOLERANCE: u64 = 2_000;

pub(crate) fn check(ended: &Ended, broken: &mut Vec<Broken>) {
    let too_long = ended.happened.hides.iter().filter(|hide| {
        let is_late = hide.at + TOLERANCE >= hide.deadline;
        !is_late && hide.until > hide.deadline + TOLERANCE
    });
    let late: Vec<u64> = too_long.map(|hide| hide.until - hide.deadline).collect();
    if let Some(most) = late.iter().max() {
        let what = format!(
            "{} deliveries were hidden beyond their end, by {} s at most",
            late.len(),
            most / 1_000
        );
        note(broken, Invariant::NotHiddenTooLong, what);
    }
}
