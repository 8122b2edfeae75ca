//! The brake: pauses a run that LINE refuses too often.

use std::collections::{BTreeMap, HashMap};

use fanline_ledger::{
    Brake, BrakeReason, Edit, EditControlError, EditError, Entry, Refusals, RefusalsInAMinute,
    RunKeys, RunState, RunSum, RunWatch, SliceId, Store, Tally, UpdateError, edit_control,
    edit_watch, read_tallies, read_tallies_of, read_watch,
};
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::error::LookError;
use crate::runs::{RunRules, Runs};

/// Who pauses a run, in the control object.
const BY: &str = "brake";
/// So many runs' last minutes are kept.
const MAX_KEPT: usize = 64;

/// The brake of every run, with the refusals of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Brakes(Mutex<HashMap<String, RefusalsInAMinute>>);

impl Brakes {
    /// Looks at a run after a merge into these books, and pauses it where LINE refuses too often.
    /// Gives whether it has paused the run.
    ///
    /// Where no merged book has a refusal, nothing is read: whoever merges refusals looks.
    pub(crate) async fn look(
        &self,
        store: &Store,
        runs: &Runs,
        run: &str,
        merged: &BTreeMap<SliceId, Tally>,
        now: Timestamp,
    ) -> Result<bool, LookError> {
        if merged.values().all(|tally| tally.people.refused == 0) {
            return Ok(false);
        }
        let Some(rules) = runs.rules(store, run).await? else {
            return Ok(false);
        };
        let Some(brake) = rules.brake.map(Brake::new) else {
            return Ok(false);
        };
        let keys = RunKeys::new(run);
        let all = refusals(store, runs, run, merged, &rules).await?;
        let minute = self.minute(run, all, now);
        if brake.pulls(all, minute).is_none() {
            return Ok(false);
        }
        // Whoever has resumed the run after a brake has seen the refusals before it.
        let excused = read_watch(store, &keys).await?.excused;
        let since = without(all, excused);
        let Some(reason) = brake.pulls(since, least(minute, since)) else {
            return Ok(false);
        };
        pull(store, run, &rules, all, reason, now).await
    }

    fn minute(&self, run: &str, all: Refusals, now: Timestamp) -> Refusals {
        let mut minutes = self.0.lock();
        if minutes.len() >= MAX_KEPT && !minutes.contains_key(run) {
            minutes.clear();
        }
        let minute = minutes.entry(run.to_owned()).or_default();
        minute.after_merge(all, now)
    }
}

/// Asks the brake before a canary passes, and pauses the run where it pulls. Gives whether it does.
///
/// The refusals of the sample are in the ledger before whoever merged them asks the brake. It may
/// ask too late, or die before it asks.
pub(crate) async fn holds_back(
    store: &Store,
    run: &str,
    rules: &RunRules,
    sum: &RunSum,
    watch: &RunWatch,
    now: Timestamp,
) -> Result<bool, LookError> {
    let all = Refusals::of(&sum.tally());
    let since = without(all, watch.excused);
    let brake = rules.brake.map(Brake::new);
    let reason = brake.and_then(|brake| brake.pulls(since, Refusals::default()));
    if let Some(reason) = reason {
        pull(store, run, rules, all, reason, now).await?;
    }
    Ok(reason.is_some())
}

/// Pauses a run, and notes for which refusals. Gives whether the run was open.
async fn pull(
    store: &Store,
    run: &str,
    rules: &RunRules,
    all: Refusals,
    reason: BrakeReason,
    now: Timestamp,
) -> Result<bool, LookError> {
    let paused = pause(store, run, rules, reason, now).await?;
    let keys = RunKeys::new(run);
    edit_watch(store, &keys, |watch| watch.excused = all).await?;
    if paused {
        tracing::warn!(run, %reason, "run paused by the brake");
    }
    Ok(paused)
}

/// The refusals of the whole run. What was merged just now is known; the other books' heads are
/// read. A listing would cost more than all of these reads.
async fn refusals(
    store: &Store,
    runs: &Runs,
    run: &str,
    merged: &BTreeMap<SliceId, Tally>,
    rules: &RunRules,
) -> Result<Refusals, LookError> {
    let keys = RunKeys::new(run);
    let slices = runs.slices(store, run, rules.canary.is_some()).await?;
    let others = if let Some(slices) = slices {
        let mut others = slices.to_vec();
        others.retain(|slice| !merged.contains_key(slice));
        read_tallies_of(store, &keys, &others).await?
    } else {
        let (mut all, _) = read_tallies(store, &keys).await?;
        all.retain(|slice, _| !merged.contains_key(slice));
        all
    };
    let mut sum = Tally::default();
    for tally in merged.values().chain(others.values()) {
        sum.add(tally);
    }
    Ok(Refusals::of(&sum))
}

/// Pauses a run that is open. Gives whether it was.
async fn pause(
    store: &Store,
    run: &str,
    rules: &RunRules,
    reason: BrakeReason,
    now: Timestamp,
) -> Result<bool, UpdateError<EditControlError>> {
    let why = reason.to_string();
    let mut was_open = false;
    edit_control(store, |control| {
        let edit = |control| Edit::new(control, BY, Some(&why), now);
        was_open = false;
        // A run that its producer could not enter is sent, so it has to be entered here.
        let entered = match control.run(run) {
            Some(_) => control.clone(),
            None => edit(control)?.enter(&Entry {
                run,
                started_at: rules.started_at,
                lane: rules.lane,
                has_canary: rules.canary.is_some(),
            })?,
        };
        let state = entered.run(run).map(|run| run.state);
        was_open = state == Some(RunState::Open);
        if was_open {
            edit(&entered)?.pause(run, None)
        } else {
            Ok::<_, EditError>(control.clone())
        }
    })
    .await?;
    Ok(was_open)
}

fn without(all: Refusals, excused: Refusals) -> Refusals {
    Refusals {
        refused: all.refused.saturating_sub(excused.refused),
        settled: all.settled.saturating_sub(excused.settled),
    }
}

fn least(one: Refusals, other: Refusals) -> Refusals {
    Refusals {
        refused: one.refused.min(other.refused),
        settled: one.settled.min(other.settled),
    }
}
