//! The accounting of a run: each row of the list in exactly one term.

use indicatif::HumanCount;
use serde::Serialize;

use crate::print::words::count;
use crate::report::outcomes::OutcomeCounts;

/// What the producer did with the rows of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FanOutCounts {
    /// All rows of the list, as far as it was read.
    pub(crate) rows: u64,
    /// Recipients whose delivery was put on the queue.
    pub(crate) published: u64,
    /// Rows that can't be sent.
    pub(crate) rejected: u64,
    /// Rows whose recipient stands in an earlier row.
    pub(crate) duplicates: u64,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Accounting {
    pub(crate) rows: u64,
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
    pub(crate) not_sent: u64,
    pub(crate) unknown: u64,
    pub(crate) rejected: u64,
    pub(crate) duplicates: u64,
}

/// One term of the accounting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Term {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    /// What the term means, for people.
    pub(crate) meaning: &'static str,
    /// Whether LINE accepted these rows, or the row that they repeat.
    pub(crate) is_accepted: bool,
}

impl Accounting {
    /// Puts each row in its term. `handed_over`: the recipients whose deliveries the consumer was
    /// given. Those of them without an outcome are unknown; nobody else was sent anything.
    pub(crate) fn new(fan_out: FanOutCounts, handed_over: u64, outcomes: OutcomeCounts) -> Self {
        let open = fan_out.published.saturating_sub(outcomes.sum());
        let waiting = fan_out.published.saturating_sub(handed_over).min(open);
        let dealt_with = fan_out.published + fan_out.rejected + fan_out.duplicates;
        Self {
            rows: fan_out.rows,
            accepted: outcomes.accepted,
            already_accepted: outcomes.already_accepted,
            refused: outcomes.refused,
            expired: outcomes.expired,
            not_sent: fan_out.rows.saturating_sub(dealt_with) + waiting,
            unknown: open - waiting,
            rejected: fan_out.rejected,
            duplicates: fan_out.duplicates,
        }
    }

    /// Whether LINE accepted each row, or the row that it repeats.
    pub(crate) fn all_accepted(&self) -> bool {
        self.rows == self.accepted + self.already_accepted + self.duplicates
    }

    /// Whether the terms add up to the rows.
    pub(crate) fn adds_up(&self) -> bool {
        self.rows == self.terms().iter().map(|term| term.rows).sum::<u64>()
    }

    /// The terms, in the order of a delivery's life.
    pub(crate) fn terms(&self) -> [Term; 8] {
        let term = |name, rows, meaning, is_accepted| Term {
            name,
            rows,
            meaning,
            is_accepted,
        };
        [
            term("accepted", self.accepted, "LINE accepted it", true),
            term(
                "already accepted",
                self.already_accepted,
                "LINE had accepted it on an earlier attempt",
                true,
            ),
            term(
                "refused",
                self.refused,
                "LINE refused it: it is in the dead-letter queue with its reason",
                false,
            ),
            term("expired", self.expired, "it was too late to send it", false),
            term(
                "not sent",
                self.not_sent,
                "it was still waiting when the run ended",
                false,
            ),
            term(
                "unknown",
                self.unknown,
                "the consumer had it, and it is not known whether LINE accepted it",
                false,
            ),
            term(
                "rejected",
                self.rejected,
                "the row can't be sent: see the rejects file",
                false,
            ),
            term(
                "duplicates",
                self.duplicates,
                "an earlier row names the same recipient",
                true,
            ),
        ]
    }

    /// The accounting as an equation that a person can check, without the terms that are 0.
    pub(crate) fn equation(&self) -> String {
        let terms: Vec<_> = self
            .terms()
            .into_iter()
            .filter(|term| term.rows > 0)
            .map(|term| format!("{} {}", HumanCount(term.rows), term.name))
            .collect();
        let rows = count(self.rows, "row", "rows");
        if terms.is_empty() {
            return rows;
        }
        format!("{rows} = {}", terms.join(" + "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAN_OUT: FanOutCounts = FanOutCounts {
        rows: 1_010,
        published: 900,
        rejected: 60,
        duplicates: 40,
    };

    #[test]
    fn who_was_with_the_consumer_is_unknown_and_who_was_not_is_not_sent() {
        let outcomes = OutcomeCounts {
            accepted: 500,
            already_accepted: 100,
            refused: 30,
            expired: 20,
        };
        let accounting = Accounting::new(FAN_OUT, 700, outcomes);
        assert_eq!((accounting.unknown, accounting.not_sent), (50, 210));
        assert!(accounting.adds_up());
        assert!(!accounting.all_accepted());
        assert_eq!(
            accounting.equation(),
            "1,010 rows = 500 accepted + 100 already accepted + 30 refused + 20 expired \
             + 210 not sent + 50 unknown + 60 rejected + 40 duplicates"
        );
    }

    #[test]
    fn terms_without_rows_are_left_out() {
        let accounting = |rows, accepted| Accounting {
            rows,
            accepted,
            ..Accounting::default()
        };
        assert_eq!(accounting(1, 1).equation(), "1 row = 1 accepted");
        assert_eq!(accounting(0, 0).equation(), "0 rows");
    }

    #[test]
    fn more_outcomes_than_published_recipients_do_not_add_up() {
        let outcomes = OutcomeCounts {
            accepted: 911,
            ..OutcomeCounts::default()
        };
        assert!(!Accounting::new(FAN_OUT, 901, outcomes).adds_up());
    }

    #[test]
    fn a_row_that_repeats_an_accepted_one_counts_as_accepted() {
        let fan_out = FanOutCounts {
            rows: 3,
            published: 2,
            rejected: 0,
            duplicates: 1,
        };
        let outcomes = OutcomeCounts {
            accepted: 1,
            already_accepted: 1,
            ..OutcomeCounts::default()
        };
        assert!(Accounting::new(fan_out, 2, outcomes).all_accepted());
    }
}
