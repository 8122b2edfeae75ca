//! The sum of a run: every row of the list in exactly one outcome.

use indicatif::HumanCount;
use serde::Serialize;

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
    pub(crate) unknown: u64,
    pub(crate) rejected: u64,
    pub(crate) duplicates: u64,
}

impl Sum {
    /// Whether every row got its message, duplicates counted with the row they repeat.
    pub(crate) fn all_accepted(&self) -> bool {
        self.rows == self.accepted + self.already_accepted + self.duplicates
    }

    /// People whose deliveries came to an end.
    pub(crate) fn settled(&self) -> u64 {
        self.accepted + self.already_accepted + self.refused + self.expired + self.unknown
    }

    /// Whether every row is in exactly one term.
    pub(crate) fn adds_up(&self) -> bool {
        self.rows == self.settled() + self.rejected + self.duplicates
    }

    /// The sum's terms with their names and what they mean, in the order of a delivery's life.
    pub(crate) fn terms(&self) -> [(&'static str, u64, &'static str); 7] {
        [
            ("accepted", self.accepted, "LINE took it"),
            (
                "already accepted",
                self.already_accepted,
                "LINE had taken it on an earlier attempt",
            ),
            (
                "refused",
                self.refused,
                "LINE won't take it: in the dead-letter queue with its reason",
            ),
            ("expired", self.expired, "too late to be sent"),
            (
                "unknown",
                self.unknown,
                "nobody can say whether LINE took it",
            ),
            (
                "rejected",
                self.rejected,
                "the row can't be sent: see the rejects file",
            ),
            (
                "duplicates",
                self.duplicates,
                "the list names the same recipient again",
            ),
        ]
    }

    /// The sum as an equation that a person can check.
    pub(crate) fn equation(&self) -> String {
        let terms: Vec<_> = self
            .terms()
            .iter()
            .map(|(name, n, _)| format!("{} {name}", HumanCount(*n)))
            .collect();
        format!("{} rows = {}", HumanCount(self.rows), terms.join(" + "))
    }
}
