//! The record of a run: what it sends, to whom, and how its list is cut and grouped.

use fanline_core::delivery::KEY_HORIZON;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::content::{Content, INLINE, ListVersion};
use crate::json_object::{self, ObjectError};

const OBJECT: &str = "run.json";

/// Whether a run reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A rehearsal: it goes to a simulated LINE.
    Test,
    /// It goes to LINE.
    Real,
}

/// How the list is cut. Both numbers decide which rows share a delivery, so a repeated firing takes
/// the record's and never a setting's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The most bytes of a slice.
    pub slice_bytes: u64,
    /// The most bytes of a window, at whose end open groups go out.
    pub window_bytes: u64,
}

/// The record of a run: written once, before anything is published, and read by every later firing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub(super) v: u64,
    /// The run's name.
    pub run: String,
    /// Whether it reaches people.
    pub kind: RunKind,
    /// When its fan-out first began, in whole seconds. The 23 hours of its retry keys count from
    /// here.
    pub started_at: Timestamp,
    /// The list and its version.
    pub list: ListVersion,
    /// The number of the rule by which rows are grouped into deliveries.
    pub grouping: u32,
    /// How the list is cut.
    pub cut: Cut,
    /// What it sends, and to whom.
    pub content: Content,
    /// Names the invocation that began the run, drawn at random.
    pub firing: Uuid,
    /// The run whose people without a message it sends to again: the first one of the family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_of: Option<String>,
    /// The resends of this run, each by the name that its operator's command has drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resends: Vec<Uuid>,
    /// The campaign as it was given, without inline rows: they hold IDs and tokens.
    pub campaign: Value,
}

impl RunRecord {
    /// When LINE may begin to forget the run's retry keys: nothing is sent after it.
    pub fn horizon(&self) -> Timestamp {
        horizon(self.started_at)
    }

    /// Takes the next resend for the command that has drawn `resend` with
    /// [`draw_id`](crate::draw_id), and gives its number, from 1. A command that has one already
    /// keeps it.
    ///
    /// The name is what makes two commands' records differ: each then has a number of its own.
    pub fn take_resend(&mut self, resend: Uuid) -> usize {
        if !self.resends.contains(&resend) {
            self.resends.push(resend);
        }
        let before = self.resends.iter().take_while(|taken| **taken != resend);
        before.count() + 1
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// Reads the object.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        json_object::decode(OBJECT, json)
    }
}

/// When LINE may begin to forget the retry keys of a run that began at this time.
pub(crate) fn horizon(started_at: Timestamp) -> Timestamp {
    started_at
        .checked_add(KEY_HORIZON)
        .unwrap_or(Timestamp::MAX)
}

/// The campaign without the rows that stand in it.
pub(super) fn without_rows(campaign: &Value) -> Value {
    let mut campaign = campaign.clone();
    if let Some(rows @ Value::Array(_)) = campaign.get_mut("recipients") {
        *rows = Value::from(INLINE);
    }
    campaign
}
