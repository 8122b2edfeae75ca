//! The accounting of a run: each row of the list in exactly one term.

use fanline_producer::LeftOutPeople;
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
    /// Recipients who had an outcome before: the run began earlier, and goes on.
    pub(crate) left_out: LeftOutPeople,
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
    pub(crate) cancelled: u64,
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
        let before = fan_out.left_out;
        let dealt_with = fan_out.published + before.total() + fan_out.rejected + fan_out.duplicates;
        Self {
            rows: fan_out.rows,
            accepted: outcomes.accepted,
            already_accepted: outcomes.already_accepted + before.accepted,
            refused: outcomes.refused + before.refused + before.set_aside,
            expired: outcomes.expired + before.expired,
            not_sent: fan_out.rows.saturating_sub(dealt_with) + waiting,
            cancelled: outcomes.cancelled + before.cancelled,
            unknown: open - waiting + before.unknown,
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

    /// The terms, in the order of a delivery's life. Only a run that was cancelled has that term.
    pub(crate) fn terms(&self) -> Vec<Term> {
        let term = |name, rows, meaning, is_accepted| Term {
            name,
            rows,
            meaning,
            is_accepted,
        };
        let mut terms = vec![
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
        ];
        if self.cancelled > 0 {
            let meaning = "the run was cancelled before it was sent";
            terms.push(term("cancelled", self.cancelled, meaning, false));
        }
        terms
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
        left_out: NOBODY,
        rejected: 60,
        duplicates: 40,
    };
    const NOBODY: LeftOutPeople = LeftOutPeople {
        accepted: 0,
        unknown: 0,
        refused: 0,
        expired: 0,
        set_aside: 0,
        cancelled: 0,
    };

    #[test]
    fn who_was_with_the_consumer_is_unknown_and_who_was_not_is_not_sent() {
        let outcomes = OutcomeCounts {
            accepted: 500,
            already_accepted: 100,
            refused: 30,
            expired: 20,
            cancelled: 0,
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
    fn who_had_an_outcome_before_the_run_went_on_keeps_it() {
        let fan_out = FanOutCounts {
            rows: 13,
            published: 2,
            left_out: LeftOutPeople {
                accepted: 5,
                unknown: 1,
                refused: 2,
                expired: 1,
                set_aside: 1,
                cancelled: 1,
            },
            rejected: 0,
            duplicates: 0,
        };
        let outcomes = OutcomeCounts {
            accepted: 2,
            ..OutcomeCounts::default()
        };
        let accounting = Accounting::new(fan_out, 2, outcomes);
        assert!(accounting.adds_up());
        let terms = accounting.terms();
        let terms: Vec<_> = terms.iter().map(|term| term.rows).collect();
        assert_eq!(terms, [2, 5, 3, 1, 0, 1, 0, 0, 1]);
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
            left_out: NOBODY,
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
