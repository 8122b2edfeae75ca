//! What the control object said before: each state that an edit replaces is an object of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::{Control, Pace, RunControl, Signature};
use crate::json_object::{self, ObjectError, VERSION};

const OBJECT: &str = "history/<time>-<id>.json";

/// What was said about a run, or about the pace, until an edit replaced it. Who said it, when and
/// why stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PastControl {
    /// Of a run with this name.
    Run(String, Box<RunControl>),
    /// Of the pace of the whole stack.
    Pace(PastPace),
}

/// A pace that an operator had set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPace {
    /// Requests a second.
    pub pace: Pace,
    /// Who set it, when and why.
    pub set: Signature,
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    v: u64,
    said: T,
}

impl PastControl {
    /// What an edit replaces. What is new stands in the control object, with its signature.
    pub(crate) fn replaced(before: &Control, after: &Control) -> Vec<Self> {
        let runs = before.runs.iter();
        let runs = runs.filter(|(name, run)| after.runs.get(*name) != Some(run));
        let runs = runs.map(|(name, run)| Self::Run(name.clone(), Box::new(run.clone())));
        let is_pace_kept = (before.pace, &before.pace_set) == (after.pace, &after.pace_set);
        let pace = before.pace_set.clone().filter(|_| !is_pace_kept);
        let pace = pace.map(|set| {
            Self::Pace(PastPace {
                pace: before.pace,
                set,
            })
        });
        runs.chain(pace).collect()
    }

    /// When it was said.
    pub(crate) fn since(&self) -> Timestamp {
        match self {
            Self::Run(_, run) => run.since,
            Self::Pace(pace) => pace.set.since,
        }
    }

    /// The object.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Run(_, run) => encode(run.as_ref()),
            Self::Pace(pace) => encode(pace),
        }
    }
}

fn encode<T: Serialize>(said: &T) -> Vec<u8> {
    json_object::encode(&Wire { v: VERSION, said })
}

/// Reads one of these objects: a [`RunControl`] or a [`PastPace`].
pub(crate) fn decode<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, ObjectError> {
    json_object::decode::<Wire<T>>(OBJECT, json).map(|wire| wire.said)
}
