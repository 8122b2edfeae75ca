//! The outcome of each delivery, counted once however often it is reported.

use std::collections::{BTreeMap, HashSet};

use fanline_consumer::Settled;
use fanline_core::outcome::{DeadLetterReason, Outcome};
use parking_lot::Mutex;
use uuid::Uuid;

/// The outcomes that the consumer has reported so far.
///
/// A delivery can be reported twice. For example: LINE accepts it, its deletion from the queue is
/// lost, and LINE answers "already accepted" to the second attempt. Both reports have the same
/// retry key, and only the first one counts.
#[derive(Default)]
pub(crate) struct FirstOutcomes(Mutex<Reported>);

#[derive(Default)]
struct Reported {
    retry_keys: HashSet<Uuid>,
    recipients: BTreeMap<Outcome, u64>,
    reports: u64,
}

impl FirstOutcomes {
    /// Counts a report, and says whether it is the first one of this delivery.
    pub(crate) fn report(&self, settled: &Settled) -> bool {
        let mut reported = self.0.lock();
        reported.reports += 1;
        let is_first = reported.retry_keys.insert(settled.retry_key);
        if is_first {
            *reported.recipients.entry(settled.outcome).or_default() += settled.recipients as u64;
        }
        is_first
    }

    /// All reports, those of copies too: as long as there are more of them, a run moves.
    pub(crate) fn reports(&self) -> u64 {
        self.0.lock().reports
    }

    /// Recipients with an outcome.
    pub(crate) fn settled(&self) -> u64 {
        self.0.lock().recipients.values().sum()
    }

    /// Recipients with an outcome, whom LINE did not accept.
    pub(crate) fn not_accepted(&self) -> u64 {
        let reported = self.0.lock();
        let not_accepted =
            |outcome| !matches!(outcome, Outcome::Accepted | Outcome::AlreadyAccepted);
        reported
            .recipients
            .iter()
            .filter(|(outcome, _)| not_accepted(**outcome))
            .map(|(_, recipients)| recipients)
            .sum()
    }

    /// Recipients by outcome, as the accounting needs them.
    pub(crate) fn counts(&self) -> OutcomeCounts {
        let reported = self.0.lock();
        let of = |outcome| reported.recipients.get(&outcome).copied().unwrap_or(0);
        OutcomeCounts {
            accepted: of(Outcome::Accepted),
            already_accepted: of(Outcome::AlreadyAccepted),
            refused: of(Outcome::Refused) + of(Outcome::Hold),
            expired: of(Outcome::Expired),
            cancelled: of(Outcome::Cancelled),
        }
    }
}

/// Recipients by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OutcomeCounts {
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
    pub(crate) cancelled: u64,
}

impl OutcomeCounts {
    /// The outcomes of a consumer binary, seen from outside: recipients that the simulated LINE
    /// accepted, and dead letters by reason. A process that is killed reports nothing itself.
    pub(crate) fn from_outside(accepted: u64, dead_letters: &BTreeMap<String, u64>) -> Self {
        let of = |reason: DeadLetterReason| dead_letters.get(reason.as_str()).copied().unwrap_or(0);
        Self {
            accepted,
            already_accepted: 0,
            refused: of(DeadLetterReason::Refused)
                + of(DeadLetterReason::Quota)
                + of(DeadLetterReason::Unauthorized)
                + of(DeadLetterReason::NoKey),
            expired: of(DeadLetterReason::Expired),
            // A cancelled delivery leaves no trace outside.
            cancelled: 0,
        }
    }

    /// Recipients with any of these outcomes.
    pub(crate) fn sum(&self) -> u64 {
        self.accepted + self.already_accepted + self.refused + self.expired + self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(retry_key: u128, outcome: Outcome, recipients: usize) -> Settled {
        Settled {
            retry_key: Uuid::from_u128(retry_key),
            outcome,
            recipients,
        }
    }

    #[test]
    fn only_the_first_report_of_a_delivery_counts() {
        let outcomes = FirstOutcomes::default();
        assert!(outcomes.report(&settled(1, Outcome::Accepted, 500)));
        assert!(!outcomes.report(&settled(1, Outcome::AlreadyAccepted, 500)));
        assert!(outcomes.report(&settled(2, Outcome::Hold, 3)));
        assert!(outcomes.report(&settled(3, Outcome::Unknown, 2)));
        assert_eq!((outcomes.settled(), outcomes.not_accepted()), (505, 5));
        // The copy is no outcome, and yet it moves a run.
        assert_eq!(outcomes.reports(), 4);
        assert_eq!(
            outcomes.counts(),
            OutcomeCounts {
                accepted: 500,
                refused: 3,
                ..OutcomeCounts::default()
            }
        );
    }

    #[test]
    fn dead_letters_tell_the_outcomes_of_a_binary() {
        let dead_letters = [
            ("refused", 1),
            ("quota", 2),
            ("unauthorized", 4),
            ("expired", 8),
        ];
        let dead_letters = dead_letters
            .map(|(reason, n)| (reason.to_owned(), n))
            .into();
        assert_eq!(
            OutcomeCounts::from_outside(100, &dead_letters),
            OutcomeCounts {
                accepted: 100,
                already_accepted: 0,
                refused: 7,
                expired: 8,
                cancelled: 0,
            }
        );
    }
}
