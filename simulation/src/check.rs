//! The invariants: what must hold after every run.
//!
//! # Layout
//! - `outcomes`: nobody twice, nobody without an outcome, and the sums add up
//! - `limits`: LINE's rates, and how many messages are in flight
//! - `idle`: nothing waits beside an idle consumer, and nothing expires for want of trying
//! - `books`: the ledger agrees with LINE
//! - `hidden`: nothing is hidden beyond its deadline

mod books;
mod hidden;
mod idle;
mod limits;
mod outcomes;

use std::fmt;

use crate::plan::Plan;
use crate::world::Ended;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Nobody gets the same message of a run twice.
    NobodyTwice,
    /// Everybody on the list of a firing that ended well has an outcome.
    NobodySkipped,
    /// A delivery in the dead-letter queue has a reason.
    ReasonGiven,
    /// Nothing waits on the queue for ever.
    AllSettled,
    /// What was reached is not said to be set aside.
    OneOutcome,
    /// The counts of a summary add up to its rows.
    SumsAddUp,
    /// No second has more requests at LINE than the channel's limit.
    UnderLimit,
    /// The queue never comes near the number of messages that it can have in flight.
    FarFromInFlightLimit,
    /// Nothing that could be sent waits for minutes while nothing is sent.
    NeverIdle,
    /// Nothing expires while there is time and pace for all.
    NothingExpiresIdly,
    /// Nothing is hidden beyond the time in which it may be sent.
    NotHiddenTooLong,
    /// Every row of a run is in one of the counts of its books.
    BooksAddUp,
    /// The books say of as many people that LINE accepted them as LINE does.
    BooksAgree,
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Everything that did not hold.
pub(crate) fn all(plan: &Plan, ended: &Ended) -> Vec<Broken> {
    let mut broken = Vec::new();
    outcomes::check(plan, ended, &mut broken);
    limits::check(plan, ended, &mut broken);
    books::check(plan, ended, &mut broken);
    // An operator may leave things waiting as long as he likes.
    if plan.ledger.is_none() {
        idle::check(plan, ended, &mut broken);
        hidden::check(ended, &mut broken);
    }
    broken
}

fn note(broken: &mut Vec<Broken>, invariant: Invariant, what: String) {
    broken.push(Broken { invariant, what });
}
