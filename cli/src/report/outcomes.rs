//! What became of each delivery, counted once however often it was reported.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use fanline_consumer::Settled;
use fanline_core::outcome::{DeadLetterReason, Outcome};
use parking_lot::Mutex;
use uuid::Uuid;

/// The outcomes that the consumer has reported so far.
///
/// A delivery can be reported twice: accepted, then already accepted because its deletion from the queue was lost. The retry
/// key tells that it is the same one, and the first report counts.
#[derive(Default)]
pub(crate) struct Outcomes {
    first: Mutex<HashMap<Uuid, (Outcome, u32)>>,
    recipients: AtomicU64,
    lost: AtomicU64,
}

impl Outcomes {
    /// Counts a report, and says whether it is the first of this delivery.
    pub(crate) fn report(&self, settled: &Settled) -> bool {
        let mut first = self.first.lock();
        let Entry::Vacant(entry) = first.entry(settled.retry_key) else {
            return false;
        };
        entry.insert((
            settled.outcome,
            u32::try_from(settled.recipients).unwrap_or(u32::MAX),
        ));
        self.recipients
            .fetch_add(settled.recipients as u64, Ordering::Relaxed);
        if !matches!(
            settled.outcome,
            Outcome::Accepted | Outcome::AlreadyAccepted
        ) {
            self.lost
                .fetch_add(settled.recipients as u64, Ordering::Relaxed);
        }
        true
    }

    /// How many people have an outcome that is not "accepted".
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many people's outcome is settled.
    pub(crate) fn recipients(&self) -> u64 {
        self.recipients.load(Ordering::Relaxed)
    }

    /// How many people ended in `outcome`.
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        let first = self.first.lock();
        first
            .values()
            .filter(|(settled, _)| *settled == outcome)
            .map(|(_, recipients)| u64::from(*recipients))
            .sum()
    }
}

/// How many people came to which end.
pub(crate) struct Ends {
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
}

impl Ends {
    /// As the consumer's handler reports them.
    pub(crate) fn reported(outcomes: &Outcomes) -> Self {
        Self {
            accepted: outcomes.of(Outcome::Accepted),
            already_accepted: outcomes.of(Outcome::AlreadyAccepted),
            refused: outcomes.of(Outcome::Refused) + outcomes.of(Outcome::Hold),
            expired: outcomes.of(Outcome::Expired),
        }
    }

    /// As they show from outside a binary: by LINE's ledger and the dead letters. A process that was killed tells nothing.
    pub(crate) fn seen_from_outside(accepted: u64, dead_letters: &BTreeMap<String, u64>) -> Self {
        let of = |reason: DeadLetterReason| dead_letters.get(reason.as_str()).copied().unwrap_or(0);
        Self {
            accepted,
            already_accepted: 0,
            refused: of(DeadLetterReason::Refused)
                + of(DeadLetterReason::Quota)
                + of(DeadLetterReason::Unauthorized),
            expired: of(DeadLetterReason::Expired),
        }
    }
}
