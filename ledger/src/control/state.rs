//! The control object: what an operator, the brake or the canary says about each run.

use std::collections::BTreeMap;

use fanline_core::campaign::Lane;
use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::consumers::Consumers;
use crate::by_endpoint::ByEndpoint;
use crate::json_object::{self, ObjectError, VERSION};
use crate::keys::is_run_name;
use crate::run::horizon;

const OBJECT: &str = "control.json";

/// The control object, `control/control.json`: one for a stack.
///
/// A field that nobody knows is an error that names it, as is a value that can't be: a word that
/// was mistyped by hand must not pass for "go on". Change it with the edits only, and put it back
/// with the tag of what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    v: u64,
    /// The runs by name. A run that is not in it is sent.
    #[serde(default)]
    pub(super) runs: BTreeMap<String, RunControl>,
    /// Requests a second for the whole stack, where an operator has set them.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) pace: Pace,
    /// Who set that pace, when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pace_set: Option<Signature>,
    /// What the bookkeeper is to do with the event source mapping of the bulk lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mapping: Option<Mapping>,
    /// The same for the urgent lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) urgent_mapping: Option<Mapping>,
    /// Where the stack's queues are: a tool needs to know the bucket only.
    #[serde(default)]
    pub(super) stack: Stack,
}

/// Requests a second for the whole stack; `None` where nothing but LINE's limit holds.
pub type Pace = ByEndpoint<Option<u32>>;

/// Who made a change, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// When.
    pub since: Timestamp,
    /// Who.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What the control says about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunControl {
    /// Whether it is sent.
    pub state: RunState,
    /// What becomes of the deliveries of a paused run; not there for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<PauseMode>,
    /// The lane.
    #[serde(default, skip_serializing_if = "is_bulk")]
    pub lane: Lane,
    /// When the run began, as in its record.
    pub started_at: Timestamp,
    /// When the state changed last.
    pub since: Timestamp,
    /// Who changed it.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Replaces the deliveries' own `expires_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How far the canary is; not there for a run without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryState>,
    /// When nothing of the run was left on any queue: from then on it can be resent. For runs that
    /// are done or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

/// Whether a run is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It is.
    Open,
    /// Not now.
    Paused,
    /// Never again.
    Cancelled,
    /// Everybody has an outcome, or nothing can bring one.
    Done,
}

/// What becomes of the deliveries of a paused run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseMode {
    /// They wait where they are: nothing else is on the lane.
    Wait,
    /// They go to the parked queue, so that the lane's other runs go on.
    Park,
}

/// What the bookkeeper does with an event source mapping. Where nothing is said, it leaves the
/// mapping alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapping {
    /// Keeps it switched off, also after a deployment has switched it on.
    Disabled,
    /// Switches it on again, and then forgets it: only what was switched off here is switched on
    /// here.
    Enabled,
}

/// How far a canary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryState {
    /// Only the sample may be sent.
    Waiting,
    /// The others are sent too.
    Passed,
}

/// The stack's queues and size, kept by the bookkeeper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The URL of the outcome queue. A message on it wakes the bookkeeper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<String>,
    /// The URL of the slice queue. A firing is a message on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<String>,
    /// The URL of the delivery queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<String>,
    /// The URL of the parked queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<String>,
    /// The URL of the dead-letter queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<String>,
    /// How many consumers there can be at once, on all lanes together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<u32>,
    /// The urgent lane, where the stack has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent: Option<UrgentLane>,
    /// Whether the delivery queue is a FIFO queue: there a paused run waits, it can't be parked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fifo: bool,
    /// The ARN of the KMS key that seals its deliveries. `None`: they are in plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_key: Option<String>,
}

/// The urgent lane of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrgentLane {
    /// The URL of its delivery queue.
    pub deliveries: String,
    /// How many of the consumers are its own.
    pub environments: u32,
}

impl Stack {
    /// The URL of the delivery queue of a lane.
    pub fn deliveries_of(&self, lane: Lane) -> Option<&str> {
        match lane {
            Lane::Bulk => self.deliveries.as_deref(),
            Lane::Urgent => self
                .urgent
                .as_ref()
                .map(|urgent| urgent.deliveries.as_str()),
        }
    }

    /// Whether the bookkeeper has described the stack, and it does not have this lane.
    pub fn lacks(&self, lane: Lane) -> bool {
        self.deliveries.is_some() && self.deliveries_of(lane).is_none()
    }

    /// How many consumers there can be at once, of a lane and beside it. `None`: nobody has said,
    /// or the stack does not have the lane.
    pub fn consumers_of(&self, lane: Lane) -> Option<Consumers> {
        let urgent = self.urgent.as_ref().map(|urgent| urgent.environments);
        let others = urgent.unwrap_or(0);
        let bulk = self.environments?.saturating_sub(others).max(1);
        match lane {
            Lane::Bulk => Some(Consumers { own: bulk, others }),
            Lane::Urgent => Some(Consumers {
                own: urgent?,
                others: bulk,
            }),
        }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            v: VERSION,
            runs: BTreeMap::new(),
            pace: Pace::default(),
            pace_set: None,
            mapping: None,
            urgent_mapping: None,
            stack: Stack::default(),
        }
    }
}

impl Control {
    /// Reads the object.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        let control: Self = json_object::decode(OBJECT, json)?;
        match control.problem() {
            Some(problem) => Err(problem),
            None => Ok(control),
        }
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// All runs by name.
    pub fn runs(&self) -> &BTreeMap<String, RunControl> {
        &self.runs
    }

    /// What is said about a run; `None` where it is not in control.
    pub fn run(&self, run: &str) -> Option<&RunControl> {
        self.runs.get(run)
    }

    /// The pace that an operator has set.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Who set the pace, when and why; `None` where nobody has.
    pub fn pace_set(&self) -> Option<&Signature> {
        self.pace_set.as_ref()
    }

    /// What the bookkeeper is to do with a lane's mapping; `None`: nothing.
    pub fn mapping(&self, lane: Lane) -> Option<Mapping> {
        match lane {
            Lane::Bulk => self.mapping,
            Lane::Urgent => self.urgent_mapping,
        }
    }

    pub(super) fn mapping_mut(&mut self, lane: Lane) -> &mut Option<Mapping> {
        match lane {
            Lane::Bulk => &mut self.mapping,
            Lane::Urgent => &mut self.urgent_mapping,
        }
    }

    /// The stack's queues and size.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The first value that can't be.
    pub(super) fn problem(&self) -> Option<ObjectError> {
        let wrong = |field: String, problem: &str| Some(ObjectError::field(OBJECT, field, problem));
        for (run, control) in &self.runs {
            let at = |field: &str| format!("runs.{run}{field}");
            if !is_run_name(run) {
                return wrong(at(""), "is not the name of a run");
            }
            if let Some((field, problem)) = control.problem() {
                return wrong(at(field), problem);
            }
        }
        let most = ByEndpoint {
            push: PUSH_PER_SECOND,
            multicast: MULTICAST_PER_SECOND,
        };
        let fits = |(pace, most): (Option<u32>, u32)| pace.is_none_or(|n| (1..=most).contains(&n));
        let paces = self.pace.zip(most).map(|_, pair| fits(pair));
        if !paces.push {
            return wrong("pace.push".into(), "is not from 1 to 2000");
        }
        if !paces.multicast {
            return wrong("pace.multicast".into(), "is not from 1 to 200");
        }
        if self.stack.environments == Some(0) {
            return wrong("stack.environments".into(), "is 0");
        }
        None
    }
}

impl RunControl {
    /// When the deliveries expire: what was set here, or else their own.
    pub fn expires_at(&self, own: Option<Timestamp>) -> Option<Timestamp> {
        self.expires_at.or(own)
    }

    /// When LINE may begin to forget the run's retry keys.
    pub fn horizon(&self) -> Timestamp {
        horizon(self.started_at)
    }

    /// The first field whose value can't be.
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let ended = matches!(self.state, RunState::Cancelled | RunState::Done);
        if self.state == RunState::Paused && self.mode.is_none() {
            return Some((".mode", "is missing: a paused run waits or parks"));
        }
        if self.state != RunState::Paused && self.mode.is_some() {
            return Some((".mode", "is there although the run is not paused"));
        }
        if self.closed.is_some() && !ended {
            return Some((
                ".closed",
                "is there although the run is neither done nor cancelled",
            ));
        }
        if self.closed.is_none() && self.state == RunState::Done {
            return Some((".closed", "is missing: a run that is done is closed"));
        }
        if self
            .expires_at
            .is_some_and(|expires| expires > self.horizon())
        {
            return Some((".expires_at", "is more than 23 hours after `started_at`"));
        }
        None
    }
}

fn is_unset(pace: &Pace) -> bool {
    *pace == Pace::default()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_bulk(lane: &Lane) -> bool {
    *lane == Lane::Bulk
}
