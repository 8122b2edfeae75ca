//! The JSON of an outcome, shared by outcome messages and pages.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cell::{Cell, CellReason, FinalOutcome};
use super::delivery_outcome::{DeliveryOutcome, Departed, Standing};
use crate::at::At;
use jiff::Timestamp;

/// A longer request ID or longer words are cut: both come from outside.
const MAX_REQUEST_ID_CHARS: usize = 64;
const MAX_WORDS_CHARS: usize = 300;

/// A cell in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireCell {
    outcome: FinalOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    perhaps_taken: bool,
}

impl From<Cell> for WireCell {
    fn from(cell: Cell) -> Self {
        Self {
            outcome: cell.outcome(),
            reason: cell.reason().as_str().map(str::to_owned),
            status: cell.status(),
            perhaps_taken: cell.is_perhaps_taken(),
        }
    }
}

impl TryFrom<WireCell> for Cell {
    type Error = &'static str;

    fn try_from(wire: WireCell) -> Result<Self, Self::Error> {
        let reason = CellReason::of(wire.outcome, wire.reason.as_deref())
            .ok_or("an outcome has a reason that does not belong to it")?;
        Ok(Self::new(reason, wire.status, wire.perhaps_taken))
    }
}

/// An outcome, with defaults left out: most are of one person, at the first receive, and answered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOutcome {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<At>,
    /// The retry key of a loose delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Uuid>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    people: u32,
    outcome: FinalOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    receives: u32,
    #[serde(default, skip_serializing_if = "is_answered")]
    departed: WireDeparted,
    /// LINE's latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ms: Option<u32>,
    /// In a message: milliseconds after the message's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<u64>,
    /// In a page: the time itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireDeparted {
    No,
    #[default]
    Answered,
    Unanswered,
}

impl WireOutcome {
    /// The outcome in words, without its time.
    pub(super) fn new(outcome: &DeliveryOutcome) -> Self {
        let (at, key) = match &outcome.standing {
            Standing::At(at) => (Some(at.clone()), None),
            Standing::Loose(key) => (None, Some(*key)),
        };
        Self {
            at,
            key,
            people: outcome.people.into(),
            outcome: outcome.reason.outcome(),
            reason: outcome.reason.as_str().map(str::to_owned),
            status: outcome.status,
            request_id: outcome
                .request_id
                .as_deref()
                .map(|id| cut(id, MAX_REQUEST_ID_CHARS)),
            receives: outcome.receives,
            departed: match outcome.departed {
                Departed::No => WireDeparted::No,
                Departed::Answered => WireDeparted::Answered,
                Departed::Unanswered => WireDeparted::Unanswered,
            },
            ms: outcome.latency_ms,
            after: None,
            time: None,
            words: outcome
                .words
                .as_deref()
                .map(|words| cut(words, MAX_WORDS_CHARS)),
        }
    }

    /// The outcome at this time, or what is wrong with it.
    pub(super) fn at_time(self, time: Timestamp) -> Result<DeliveryOutcome, &'static str> {
        let people = u16::try_from(self.people).map_err(|_| "an outcome has too many people")?;
        let standing = match (self.at, self.key) {
            (Some(at), None) if at.fits(usize::from(people)) => Standing::At(at),
            (Some(_), None) => return Err("the people of an outcome don't fit its `at`"),
            (None, Some(key)) if people > 0 => Standing::Loose(key),
            _ => return Err("an outcome has not one of `at` and `key`"),
        };
        Ok(DeliveryOutcome {
            standing,
            people,
            reason: CellReason::of(self.outcome, self.reason.as_deref())
                .ok_or("an outcome has a reason that does not belong to it")?,
            status: self.status,
            request_id: self.request_id,
            receives: self.receives,
            departed: match self.departed {
                WireDeparted::No => Departed::No,
                WireDeparted::Answered => Departed::Answered,
                WireDeparted::Unanswered => Departed::Unanswered,
            },
            latency_ms: self.ms,
            time,
            words: self.words,
        })
    }
}

/// The first characters of a text.
fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

fn one() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_one(number: &u32) -> bool {
    *number == 1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_answered(departed: &WireDeparted) -> bool {
    matches!(departed, WireDeparted::Answered)
}
