//! What the ledger of a stack says to a plan: its consumers, its pace, and its other runs.

use fanline_core::channel::Channel;
use fanline_ledger::{Lane, Pace, RunKeys, RunKind, RunState, read_control, read_sum};
use serde::Serialize;
use serde_json::Value;

use crate::args::{LedgerArgs, LedgerPlace};
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::place::{Ledger, unusable};

/// A stack as its ledger describes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Stack {
    /// The ledger as people name it.
    pub(crate) ledger: String,
    /// How many consumers the run's lane has at once, where the bookkeeper has written it down.
    pub(crate) consumers: Option<u32>,
    /// How many consumers the other lane has.
    #[serde(skip)]
    pub(crate) others: Option<u32>,
    /// The stack does not have the run's lane.
    #[serde(skip)]
    pub(crate) lacks_lane: bool,
    /// Whether its deliveries are sealed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) sealed: bool,
    /// The requests a second that an operator allows.
    pub(crate) pace: Pace,
    /// Other runs that are not closed.
    pub(crate) open_runs: u64,
    /// Their people who have no outcome yet.
    pub(crate) waiting: u64,
}

impl Stack {
    /// Reads the ledger. `run`: the one that is planned, which is no other run; `lane`: its lane.
    pub(crate) async fn read(place: &LedgerPlace, run: &str, lane: Lane) -> anyhow::Result<Self> {
        let args = LedgerArgs {
            at: Some(place.clone()),
        };
        let ledger = Ledger::open(&args).await?;
        let control = read_control(&ledger.store, None).await.map_err(unusable)?;
        let control = control.unwrap_or_default().0;
        let described = control.stack();
        let consumers = described.consumers_of(lane);
        let mut stack = Self {
            ledger: ledger.name.clone(),
            consumers: consumers.map(|consumers| consumers.own),
            others: consumers.map(|consumers| consumers.others),
            lacks_lane: described.lacks(lane),
            sealed: described.seal_key.is_some(),
            pace: control.pace(),
            ..Self::default()
        };
        for (name, entry) in control.runs() {
            let is_open = matches!(entry.state, RunState::Open | RunState::Paused);
            if name == run || !is_open || !takes_quota(&ledger, name).await? {
                continue;
            }
            let sum = read_sum(&ledger.store, &RunKeys::new(name)).await;
            let equation = sum.map_err(unusable)?.equation();
            stack.open_runs += 1;
            stack.waiting += equation.waiting + equation.unread;
        }
        Ok(stack)
    }
}

/// Whether LINE counts the people of a run. A rehearsal sends nothing to LINE.
async fn takes_quota(ledger: &Ledger, run: &str) -> anyhow::Result<bool> {
    let record = read_record(&ledger.store, run).await?;
    Ok(record.is_some_and(|record| {
        let channel = record.campaign.get("channel").and_then(Value::as_str);
        record.kind == RunKind::Real && channel == Some(Channel::Line.as_str())
    }))
}
