//! What one consumer says became of one delivery, or of a part of one.

use jiff::Timestamp;
use uuid::Uuid;

use super::cell::{Cell, CellReason};
use crate::at::At;

/// Whether a request for the delivery departed in this invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Departed {
    /// No request departed.
    No,
    /// At least one departed, and each was answered in a way that says whether LINE took it.
    #[default]
    Answered,
    /// At least one departed whose answer is missing or says nothing: a time-out, a lost
    /// connection, a 5xx.
    Unanswered,
}

/// How the ledger knows a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Standing {
    /// By its place in the run.
    At(At),
    /// By its retry key alone. Its body has no `at`, or an `at` that its recipients don't fit.
    /// Loose deliveries are counted apart: nobody can say which row they are.
    Loose(Uuid),
}

impl Standing {
    /// The standing of a delivery with this `at`, to so many people, under this retry key. A
    /// delivery whose people don't fit its `at` is loose.
    pub fn of(at: Option<&At>, people: usize, retry_key: Uuid) -> Self {
        match at {
            Some(at) if at.fits(people) => Self::At(at.clone()),
            _ => Self::Loose(retry_key),
        }
    }
}

/// What became of one delivery, or of a part of one: a line of an outcome message and of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// Which delivery it is.
    pub standing: Standing,
    /// To how many people: 1 to 500.
    pub people: u16,
    /// What became of it, and why.
    pub reason: CellReason,
    /// LINE's status, where it answered.
    pub status: Option<u16>,
    /// LINE's request ID. No ID of a person.
    pub request_id: Option<String>,
    /// How often SQS has handed the record out: 1 the first time.
    pub receives: u32,
    /// Whether a request departed in this invocation.
    pub departed: Departed,
    /// How long LINE took to answer, in milliseconds.
    pub latency_ms: Option<u32>,
    /// When it came to its end. The ledger keeps milliseconds.
    pub time: Timestamp,
    /// What LINE said, where it refused. The caller masks IDs, tokens and texts in it.
    pub words: Option<String>,
}

impl DeliveryOutcome {
    /// The cell that it puts into the book.
    pub fn cell(&self) -> Cell {
        Cell::new(self.reason, self.status, self.is_perhaps_taken())
    }

    /// Whether LINE may have taken it, although no answer says so.
    ///
    /// An earlier invocation of the same record may have died with a request under way. So only the
    /// first receive is certain, and only where each request was answered.
    fn is_perhaps_taken(&self) -> bool {
        self.receives > 1 || self.departed == Departed::Unanswered
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An accepted push, to be changed where a test needs another.
    pub(crate) fn accepted(at: &str) -> DeliveryOutcome {
        DeliveryOutcome {
            standing: Standing::At(at.parse().unwrap()),
            people: 1,
            reason: CellReason::Accepted,
            status: Some(200),
            request_id: Some("5b59cbbd-4f1c-4a68-9fbb-b1c2bb3d1c0f".into()),
            receives: 1,
            departed: Departed::Answered,
            latency_ms: Some(143),
            time: "2026-12-25T00:00:03.25Z".parse().unwrap(),
            words: None,
        }
    }

    #[test]
    fn only_the_first_receive_with_every_request_answered_is_certain() {
        for reason in [
            CellReason::Cancelled,
            CellReason::Quota,
            CellReason::Unauthorized,
            CellReason::Expired,
            CellReason::Unfit,
        ] {
            for (receives, departed, perhaps) in [
                (1, Departed::No, false),
                (1, Departed::Answered, false),
                (1, Departed::Unanswered, true),
                (2, Departed::No, true),
                (2, Departed::Answered, true),
                (2, Departed::Unanswered, true),
            ] {
                let outcome = DeliveryOutcome {
                    reason,
                    receives,
                    departed,
                    ..accepted("1:0")
                };
                assert_eq!(
                    outcome.cell().is_perhaps_taken(),
                    perhaps,
                    "{reason:?} {receives}"
                );
            }
        }
    }

    #[test]
    fn a_delivery_whose_people_do_not_fit_its_place_is_loose() {
        let key = Uuid::from_u128(7);
        let (whole, part): (At, At) = ("1:0".parse().unwrap(), "1:0:3-4".parse().unwrap());
        assert_eq!(
            Standing::of(Some(&whole), 500, key),
            Standing::At(whole.clone())
        );
        assert_eq!(
            Standing::of(Some(&part), 2, key),
            Standing::At(part.clone())
        );
        assert_eq!(Standing::of(Some(&part), 3, key), Standing::Loose(key));
        assert_eq!(Standing::of(None, 1, key), Standing::Loose(key));
    }
}
