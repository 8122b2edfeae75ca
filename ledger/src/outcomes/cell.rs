//! What became of a person in the end, in the order in which one word beats another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a person, as far as the ledger knows. A later word beats an earlier one.
///
/// *Waiting* is no word of this list: it is a cell with nothing in it, and every word beats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalOutcome {
    /// The run was cancelled before it was sent.
    Cancelled,
    /// It lies in the dead-letter queue until the quota or the token is mended.
    SetAside,
    /// Its time had passed.
    Expired,
    /// LINE will never take it.
    Refused,
    /// It may or may not have been taken. It beats `Refused`: before a resend it is the more
    /// careful word.
    Unknown,
    /// LINE took it, now or on an earlier attempt.
    Accepted,
}

impl FinalOutcome {
    /// All words, each beating those before it.
    pub const ALL: [Self; 6] = [
        Self::Cancelled,
        Self::SetAside,
        Self::Expired,
        Self::Refused,
        Self::Unknown,
        Self::Accepted,
    ];

    /// The word as objects and messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::SetAside => "set_aside",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
        }
    }
}

impl fmt::Display for FinalOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a person's delivery came to its end. Each reason belongs to one [`FinalOutcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellReason {
    /// The run was cancelled.
    Cancelled,
    /// The month's messages are used up.
    Quota,
    /// The token is not valid, or not allowed to send.
    Unauthorized,
    /// Its `expires_at` had passed.
    Expired,
    /// LINE refused it.
    Refused,
    /// It could never be sent, so LINE was not asked: its image was too large, for example.
    Unfit,
    /// Its run began more than 23 hours ago: LINE may have forgotten the retry key.
    TooOld,
    /// No answer came, and the campaign says not to ask again.
    Unanswered,
    /// LINE took it.
    Accepted,
}

impl CellReason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Cancelled,
        Self::Quota,
        Self::Unauthorized,
        Self::Expired,
        Self::Refused,
        Self::Unfit,
        Self::TooOld,
        Self::Unanswered,
        Self::Accepted,
    ];

    /// The outcome that it is a reason for.
    pub fn outcome(self) -> FinalOutcome {
        match self {
            Self::Cancelled => FinalOutcome::Cancelled,
            Self::Quota | Self::Unauthorized => FinalOutcome::SetAside,
            Self::Expired => FinalOutcome::Expired,
            Self::Refused | Self::Unfit => FinalOutcome::Refused,
            Self::TooOld | Self::Unanswered => FinalOutcome::Unknown,
            Self::Accepted => FinalOutcome::Accepted,
        }
    }

    /// The reason as objects write it; `None` where the outcome says it all.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Quota => Some("quota"),
            Self::Unauthorized => Some("unauthorized"),
            Self::Unfit => Some("unfit"),
            Self::TooOld => Some("too_old"),
            Self::Unanswered => Some("unanswered"),
            Self::Cancelled | Self::Expired | Self::Refused | Self::Accepted => None,
        }
    }

    /// The reason with this outcome and this word; `None` where there is none.
    pub(crate) fn of(outcome: FinalOutcome, word: Option<&str>) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|reason| reason.outcome() == outcome && reason.as_str() == word)
    }

    /// Tells the reasons of one outcome apart, in two bits.
    fn rank(self) -> u16 {
        match self {
            Self::Unauthorized | Self::Unfit | Self::Unanswered => 1,
            _ => 0,
        }
    }
}

/// What is written in a person's cell of the book. The order says which of two cells stays.
///
/// The outcome decides first. Within one, *perhaps taken* beats *certainly not*, then the smaller
/// status wins. A merge takes the larger cell, so neither order nor repetition of outcomes matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(
    /// Outcome (3 bits), perhaps taken (1), status (10, reversed), reason (2). Integer order is the
    /// order of cells, and no cell is 0: that is a cell with nothing in it.
    u16,
);

/// Below the status in a [`Cell`].
const REASON_BITS: u16 = 2;
/// Below the bit for *perhaps taken*.
const STATUS_BITS: u16 = 10;
/// A status is kept as its distance to this, so that the smaller one is the larger number.
const STATUS_BASE: u16 = 1000;

impl Cell {
    /// A cell. `status` is LINE's, where it answered; what is no HTTP status is left out, and so
    /// is what LINE never says to a request that it takes.
    ///
    /// `perhaps_taken` says whether LINE may have taken it all the same. Accepted and refused ones
    /// are certain and unknown ones never are, whatever is given here.
    pub fn new(reason: CellReason, status: Option<u16>, perhaps_taken: bool) -> Self {
        let perhaps_taken = match reason {
            CellReason::Accepted | CellReason::Refused => false,
            CellReason::TooOld | CellReason::Unanswered => true,
            _ => perhaps_taken,
        };
        let can_be = |status: &u16| match reason {
            CellReason::Accepted => matches!(status, 200..=299 | 409),
            _ => (100..STATUS_BASE).contains(status),
        };
        let status = status
            .filter(can_be)
            .map_or(0, |status| STATUS_BASE - status);
        let outcome = 1 + reason.outcome() as u16;
        let high = outcome << 1 | u16::from(perhaps_taken);
        Self((high << STATUS_BITS | status) << REASON_BITS | reason.rank())
    }

    /// What became of the person.
    pub fn outcome(self) -> FinalOutcome {
        self.reason().outcome()
    }

    /// Why.
    pub fn reason(self) -> CellReason {
        let outcome = usize::from(self.0 >> (STATUS_BITS + REASON_BITS + 1));
        let rank = self.0 & ((1 << REASON_BITS) - 1);
        let mut all = CellReason::ALL.into_iter();
        #[expect(clippy::expect_used, reason = "a cell is made of a reason")]
        all.find(|reason| reason.outcome() as usize + 1 == outcome && reason.rank() == rank)
            .expect("a cell is made of a reason only")
    }

    /// LINE's status, where it answered.
    pub fn status(self) -> Option<u16> {
        let reversed = self.0 >> REASON_BITS & ((1 << STATUS_BITS) - 1);
        (reversed > 0).then(|| STATUS_BASE - reversed)
    }

    /// Whether LINE may have taken it, although no answer says so. Always true for unknown ones.
    pub fn is_perhaps_taken(self) -> bool {
        self.0 >> (STATUS_BITS + REASON_BITS) & 1 == 1
    }

    /// Whether LINE took it on this very attempt. A 409 says that it had been taken before.
    pub fn is_accepted_now(self) -> bool {
        self.outcome() == FinalOutcome::Accepted && self.status().is_some_and(|status| status < 300)
    }

    /// The cell as a number that is never 0 and has the order of cells.
    pub(crate) fn code(self) -> u16 {
        self.0
    }

    /// The cell with this number, which a cell has given.
    pub(crate) fn of_code(code: u16) -> Option<Self> {
        (code > 0).then_some(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell that there is.
    fn all() -> Vec<Cell> {
        let statuses = || std::iter::once(None).chain((100..1000).map(Some));
        CellReason::ALL
            .into_iter()
            .flat_map(|reason| statuses().map(move |status| (reason, status)))
            .flat_map(|(reason, status)| {
                [false, true].map(|perhaps| Cell::new(reason, status, perhaps))
            })
            .collect()
    }

    #[test]
    fn a_cell_keeps_what_it_was_made_of() {
        for reason in CellReason::ALL {
            for status in [None, Some(100), Some(200), Some(409), Some(503), Some(999)] {
                for perhaps in [false, true] {
                    let cell = Cell::new(reason, status, perhaps);
                    assert_eq!(cell.reason(), reason);
                    let can_be = match reason {
                        CellReason::Accepted => matches!(status, None | Some(200 | 409)),
                        _ => true,
                    };
                    assert_eq!(cell.status(), status.filter(|_| can_be));
                    let certain = match cell.outcome() {
                        FinalOutcome::Accepted => true,
                        FinalOutcome::Unknown => false,
                        FinalOutcome::Refused if reason == CellReason::Refused => true,
                        _ => !perhaps,
                    };
                    assert_eq!(cell.is_perhaps_taken(), !certain);
                    assert_eq!(Cell::of_code(cell.code()), Some(cell));
                }
            }
        }
        for nonsense in [0, 99, 1000, u16::MAX] {
            assert_eq!(
                Cell::new(CellReason::Refused, Some(nonsense), false).status(),
                None
            );
        }
    }

    #[test]
    fn the_order_is_outcome_then_doubt_then_the_smaller_status() {
        let cells = all();
        let key = |cell: &Cell| {
            let outcome = FinalOutcome::ALL
                .iter()
                .position(|outcome| *outcome == cell.outcome());
            let status = cell.status().map(std::cmp::Reverse);
            (outcome, cell.is_perhaps_taken(), status)
        };
        for pair in cells.windows(2) {
            let (one, other) = (pair[0], pair[1]);
            if key(&one) != key(&other) {
                assert_eq!(
                    one.cmp(&other),
                    key(&one).cmp(&key(&other)),
                    "{one:?} {other:?}"
                );
            }
        }
        let mut by_key = cells.clone();
        by_key.sort_by_key(|cell| (key(cell), *cell));
        let mut by_cell = cells;
        by_cell.sort();
        assert_eq!(by_key, by_cell);
    }

    #[test]
    fn the_winners_are_pinned() {
        let waiting_to_accepted = [
            Cell::new(CellReason::Cancelled, None, false),
            Cell::new(CellReason::Cancelled, None, true),
            Cell::new(CellReason::Quota, None, false),
            Cell::new(CellReason::Quota, Some(429), false),
            Cell::new(CellReason::Unauthorized, Some(403), false),
            Cell::new(CellReason::Unauthorized, Some(401), false),
            Cell::new(CellReason::Quota, Some(429), true),
            Cell::new(CellReason::Expired, None, false),
            Cell::new(CellReason::Expired, None, true),
            Cell::new(CellReason::Unfit, None, false),
            Cell::new(CellReason::Refused, Some(404), false),
            Cell::new(CellReason::Refused, Some(400), false),
            Cell::new(CellReason::TooOld, None, false),
            Cell::new(CellReason::Unanswered, None, false),
            Cell::new(CellReason::Accepted, Some(409), false),
            Cell::new(CellReason::Accepted, Some(200), false),
        ];
        assert!(waiting_to_accepted.is_sorted_by(|one, other| one < other));
        // The bits are in no object, only the words are; their order must never change.
        assert_eq!(waiting_to_accepted[0].code(), 0x2000);
    }

    #[test]
    fn every_reason_has_its_words_and_no_two_share_them() {
        for reason in CellReason::ALL {
            assert_eq!(
                CellReason::of(reason.outcome(), reason.as_str()),
                Some(reason)
            );
        }
        assert_eq!(CellReason::of(FinalOutcome::SetAside, None), None);
        assert_eq!(CellReason::of(FinalOutcome::Accepted, Some("quota")), None);
    }
}
