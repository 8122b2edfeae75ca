//! Who of a run is sent to again under the same retry keys, and the notes of each time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::json_object::{self, ObjectError, VERSION};
use crate::outcomes::{Cell, CellReason};

const OBJECT: &str = "redrives.json";

/// Why somebody got nothing so far, where the same delivery under the same key can still reach
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedriveReason {
    /// There is no outcome.
    Waiting,
    /// The month's messages were used up.
    Quota,
    /// The token was not valid, or not allowed to send.
    Unauthorized,
    /// Its `expires_at` had passed, and was put off later.
    Expired,
}

impl RedriveReason {
    /// Why the person with this cell got nothing; `None` where the same delivery can't help.
    pub fn of(cell: Option<Cell>) -> Option<Self> {
        match cell.map(Cell::reason) {
            None => Some(Self::Waiting),
            Some(CellReason::Quota) => Some(Self::Quota),
            Some(CellReason::Unauthorized) => Some(Self::Unauthorized),
            Some(CellReason::Expired) => Some(Self::Expired),
            Some(
                CellReason::Cancelled
                | CellReason::Refused
                | CellReason::Unfit
                | CellReason::TooOld
                | CellReason::Unanswered
                | CellReason::Accepted,
            ) => None,
        }
    }
}

/// One time that deliveries of a run with an outcome were sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// Names it, drawn at random.
    pub id: Uuid,
    /// When it began.
    pub time: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whose deliveries.
    pub only: Vec<RedriveReason>,
    /// When all of them were on a queue; `None` while they are being put there, and where that was
    /// broken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// Each time that deliveries of a run with an outcome were sent again: `redrives.json`.
///
/// A note is written before the first delivery is put on a queue. Without it a cell could look
/// certain that is not: somebody was set aside for certain, is sent to again, LINE takes it, and
/// that outcome is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrives {
    v: u64,
    redrives: Vec<Redrive>,
}

impl Default for Redrives {
    fn default() -> Self {
        Self {
            v: VERSION,
            redrives: Vec::new(),
        }
    }
}

impl Redrives {
    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// Reads the object.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        json_object::decode(OBJECT, json)
    }

    /// All of them, the first one first.
    pub fn all(&self) -> &[Redrive] {
        &self.redrives
    }

    /// The last one.
    pub fn last(&self) -> Option<&Redrive> {
        self.redrives.last()
    }

    /// Writes one down. One with the same id is replaced: the answer to a put was lost, or it has
    /// ended.
    pub fn note(&mut self, redrive: Redrive) {
        match self.redrives.iter_mut().find(|one| one.id == redrive.id) {
            Some(known) => *known = redrive,
            None => self.redrives.push(redrive),
        }
    }

    /// Whether LINE may have taken what this cell says that it has not: the cell is of an outcome
    /// before a redrive, and the redrive's may be lost.
    pub fn put_in_doubt(&self, cell: Cell) -> bool {
        let reason = RedriveReason::of(Some(cell));
        let mut all = self.redrives.iter().flat_map(|redrive| &redrive.only);
        reason.is_some_and(|reason| all.any(|one| *one == reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redrive(id: u128, only: &[RedriveReason]) -> Redrive {
        Redrive {
            id: Uuid::from_u128(id),
            time: "2026-12-25T08:00:00Z".parse().unwrap(),
            by: "mei".into(),
            why: None,
            only: only.to_vec(),
            ended: None,
        }
    }

    #[test]
    fn only_cells_that_were_sent_again_are_in_doubt() {
        use RedriveReason::{Expired, Quota, Unauthorized, Waiting};
        for only in [
            &[][..],
            &[Waiting],
            &[Quota],
            &[Unauthorized],
            &[Expired],
            &[Quota, Unauthorized],
            &[Waiting, Quota, Unauthorized, Expired],
        ] {
            let mut redrives = Redrives::default();
            redrives.note(redrive(1, only));
            for reason in CellReason::ALL {
                let expected = match reason {
                    CellReason::Quota => only.contains(&Quota),
                    CellReason::Unauthorized => only.contains(&Unauthorized),
                    CellReason::Expired => only.contains(&Expired),
                    _ => false,
                };
                let cell = Cell::new(reason, None, false);
                assert_eq!(redrives.put_in_doubt(cell), expected, "{reason:?} {only:?}");
            }
        }
    }

    #[test]
    fn what_the_same_delivery_can_not_help_is_not_sent_again() {
        assert_eq!(RedriveReason::of(None), Some(RedriveReason::Waiting));
        for (reason, expected) in [
            (CellReason::Cancelled, None),
            (CellReason::Quota, Some(RedriveReason::Quota)),
            (CellReason::Unauthorized, Some(RedriveReason::Unauthorized)),
            (CellReason::Expired, Some(RedriveReason::Expired)),
            (CellReason::Refused, None),
            (CellReason::Unfit, None),
            (CellReason::TooOld, None),
            (CellReason::Unanswered, None),
            (CellReason::Accepted, None),
        ] {
            for perhaps in [false, true] {
                let cell = Cell::new(reason, None, perhaps);
                assert_eq!(RedriveReason::of(Some(cell)), expected, "{reason:?}");
            }
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_replaced_when_it_ends() {
        let mut redrives = Redrives::default();
        redrives.note(redrive(1, &[RedriveReason::Quota]));
        redrives.note(redrive(2, &[RedriveReason::Expired]));
        let mut ended = redrive(1, &[RedriveReason::Quota]);
        ended.ended = Some(ended.time);
        redrives.note(ended.clone());
        assert_eq!(Redrives::decode(&redrives.encode()).as_ref(), Ok(&redrives));
        assert_eq!(redrives.all().first(), Some(&ended));
        assert_eq!(
            redrives.last(),
            Some(&redrive(2, &[RedriveReason::Expired]))
        );
        assert!(Redrives::decode(b"{\"v\":2}").is_err());
    }
}
