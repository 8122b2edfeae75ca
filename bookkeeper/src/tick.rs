//! The look of each minute at every run that is not closed.

use fanline_ledger::{
    CanaryState, Control, Edit, Lateness, Redrives, RunControl, RunKeys, RunState, RunSum,
    RunWatch, SliceId, Stack, Store, edit_control, edit_watch, read_redrives, read_sum, read_watch,
};
use jiff::{SignedDuration, Timestamp};

use late::lateness;
use release::{Canary, canary, others};
use sweep::{Extent, Finding, Look};

use crate::error::LookError;
use crate::lists::Lists;
use crate::merge::brake::holds_back;
use crate::metrics::TickCounts;
use crate::queues::Queues;
use crate::runs::{RunRules, Runs};

mod late;
mod parked;
mod release;
mod sweep;

/// Who closes runs, and who lets a canary pass, in the control object.
const BY: &str = "bookkeeper";
const BY_CANARY: &str = "canary";
/// A tick that comes twice is one look.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_secs(30);

/// One look at the runs.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    pub(crate) store: &'a Store,
    pub(crate) runs: &'a Runs,
    pub(crate) queues: &'a Queues,
    pub(crate) lists: &'a Lists,
    /// The only run of which slices are ordered; `None`: of every run.
    pub(crate) orders_only: Option<&'a str>,
    /// The stack's queues and size.
    pub(crate) stack: &'a Stack,
    pub(crate) now: Timestamp,
}

/// A run with all that a look needs.
struct Looked<'a> {
    name: &'a str,
    keys: RunKeys,
    run: &'a RunControl,
    rules: &'a RunRules,
    sum: RunSum,
    watch: RunWatch,
    redrives: Redrives,
    /// Whether the queues are empty for certain.
    is_drained: bool,
}

impl Round<'_> {
    /// Looks at every run that is not closed: sweeps what is missing, closes what is through, and
    /// says what will be late.
    pub(crate) async fn look_at_all(&self, control: &Control) -> TickCounts {
        let mut counts = TickCounts::default();
        let unclosed = control
            .runs()
            .iter()
            .filter(|(_, run)| run.closed.is_none());
        let unclosed: Vec<_> = unclosed.collect();
        if unclosed.is_empty() {
            return counts;
        }
        let are_empty = self.queues.are_empty().await.unwrap_or_else(|error| {
            tracing::error!(%error, "queues not looked at");
            counts.failures += 1;
            false
        });
        let mut late = Vec::new();
        for (name, run) in unclosed {
            let look = self.look_at(name, run, control, are_empty, &mut counts);
            match look.await {
                Ok(lateness) => late.extend(lateness),
                Err(error) => {
                    tracing::error!(run = name, %error, "run not looked at");
                    counts.failures += 1;
                }
            }
        }
        counts.lateness = Lateness::worst(late);
        self.bring_all_back(control, &mut counts).await;
        counts
    }

    /// Releases what can be released: after an edit of the control object, and while canaries'
    /// outcomes come in.
    pub(crate) async fn release_all(&self, control: &Control) {
        for (name, run) in control.runs() {
            let has_canary = run.canary.is_some() && self.may_order(name);
            if run.state != RunState::Open || !has_canary {
                continue;
            }
            if let Err(error) = self.look_at_canary(name, run).await {
                tracing::error!(run = name, %error, "canary not looked at");
            }
        }
    }

    async fn bring_all_back(&self, control: &Control, counts: &mut TickCounts) {
        if let Err(error) = self.bring_back(control).await {
            tracing::error!(%error, "parked queue not looked at");
            counts.failures += 1;
        }
    }

    fn may_order(&self, run: &str) -> bool {
        self.orders_only.is_none_or(|only| only == run)
    }

    async fn look_at_canary(&self, name: &str, run: &RunControl) -> Result<(), LookError> {
        let keys = RunKeys::new(name);
        let watch = read_watch(self.store, &keys).await?;
        let Some(rules) = self.runs.rules(self.store, name).await? else {
            return Ok(());
        };
        if watch.released.is_some() {
            return Ok(());
        }
        let looked = Looked {
            name,
            run,
            rules: &rules,
            sum: read_sum(self.store, &keys).await?,
            watch,
            redrives: Redrives::default(),
            is_drained: false,
            keys,
        };
        self.release(&looked).await
    }

    /// Gives how late the run will be, where it is still to be sent.
    async fn look_at(
        &self,
        name: &str,
        run: &RunControl,
        control: &Control,
        are_empty: bool,
        counts: &mut TickCounts,
    ) -> Result<Option<Lateness>, LookError> {
        let Some(rules) = self.runs.rules(self.store, name).await? else {
            tracing::warn!(run = name, "run has no record");
            return Ok(None);
        };
        let keys = RunKeys::new(name);
        let sum = read_sum(self.store, &keys).await?;
        let redrives = read_redrives(self.store, &keys).await?;
        let settled = sum.tally().settled;
        let watch = edit_watch(self.store, &keys, |watch| {
            let before = watch.looked_at;
            if before.is_some_and(|before| self.now.duration_since(before) < BETWEEN_LOOKS) {
                return;
            }
            watch.looked_at = Some(self.now);
            if watch.redrives != redrives.all().len() {
                watch.redrives = redrives.all().len();
                watch.empty_looks = 0;
            }
            watch.empty_looks = if are_empty { watch.empty_looks + 1 } else { 0 };
            watch.rate.observe(settled, self.now);
        });
        let looked = Looked {
            name,
            run,
            rules: &rules,
            sum,
            watch: watch.await?,
            redrives,
            // The queues of a command are its own, and count exactly.
            is_drained: are_empty && self.orders_only.is_some(),
            keys,
        };
        let equation = looked.sum.equation();
        counts.open_runs += 1;
        counts.waiting += equation.waiting + equation.unread;
        let is_closed = match run.state {
            RunState::Open => self.look_at_open(&looked, counts).await?,
            RunState::Cancelled => self.look_at_cancelled(&looked, counts).await?,
            // Nothing of it is to be sent now, so nothing of it is missing.
            RunState::Paused | RunState::Done => false,
        };
        let Looked { sum, watch, .. } = &looked;
        let is_sent = matches!(run.state, RunState::Open | RunState::Paused) && !is_closed;
        let lateness = || {
            lateness(
                control,
                run,
                &rules,
                sum,
                watch,
                self.stack.consumers_of(run.lane),
                self.now,
            )
        };
        Ok(if is_sent { lateness() } else { None })
    }

    /// Gives whether the run is closed now.
    async fn look_at_open(
        &self,
        looked: &Looked<'_>,
        counts: &mut TickCounts,
    ) -> Result<bool, LookError> {
        let run = looked.name;
        if self.may_order(run) {
            self.release(looked).await?;
        }
        match looked.look().find(self.now) {
            Finding::UnderWay => Ok(false),
            Finding::Sweep(_) if !self.may_order(run) => Ok(false),
            Finding::Settled => {
                self.close(looked, 0, counts).await?;
                Ok(true)
            }
            Finding::Missing(missing) => {
                self.give_up(looked, missing, counts).await?;
                Ok(true)
            }
            Finding::Sweep(_) if self.lists.is_lost(&looked.rules.list).await => {
                tracing::error!(
                    run,
                    "the list was overwritten, so nothing can be sent again"
                );
                let equation = looked.sum.equation();
                self.give_up(looked, equation.waiting + equation.unread, counts)
                    .await?;
                Ok(true)
            }
            Finding::Sweep(slices) => {
                self.sweep(looked, &slices).await?;
                counts.swept += slices.len() as u64;
                Ok(false)
            }
        }
    }

    /// Orders the slices. That comes first: a sweep that is not noted is made again, and does no
    /// harm.
    async fn sweep(&self, looked: &Looked<'_>, slices: &[SliceId]) -> Result<(), LookError> {
        let run = looked.name;
        self.queues.order(run, slices).await?;
        edit_watch(self.store, &looked.keys, |watch| {
            watch.sweeps.push(self.now);
            watch.empty_looks = 0;
        })
        .await?;
        let slices = slices.len();
        tracing::warn!(run, slices, "what is waiting is published again");
        Ok(())
    }

    /// Closes a run with people whom nothing can bring an outcome.
    async fn give_up(
        &self,
        looked: &Looked<'_>,
        missing: u64,
        counts: &mut TickCounts,
    ) -> Result<(), LookError> {
        let run = looked.name;
        tracing::error!(
            run,
            missing,
            "people without an outcome: nothing can bring one"
        );
        self.close(looked, missing, counts).await
    }

    /// A cancelled run is closed once nothing of it is on any queue.
    async fn look_at_cancelled(
        &self,
        looked: &Looked<'_>,
        counts: &mut TickCounts,
    ) -> Result<bool, LookError> {
        if !looked.sum.is_settled() && !looked.look().is_quiet(self.now) {
            return Ok(false);
        }
        self.close(looked, 0, counts).await?;
        Ok(true)
    }

    async fn close(
        &self,
        looked: &Looked<'_>,
        missing: u64,
        counts: &mut TickCounts,
    ) -> Result<(), LookError> {
        let run = looked.name;
        let difference = looked.sum.equation().difference();
        if difference != 0 {
            tracing::error!(run, difference, "the rows of the run don't add up");
        }
        counts.imbalance += difference.unsigned_abs();
        counts.missing += missing;
        // Should the run be opened again, it is watched anew.
        edit_watch(self.store, &looked.keys, |watch| {
            watch.missing = missing;
            watch.empty_looks = 0;
            watch.sweeps.clear();
        })
        .await?;
        edit_control(self.store, |control| {
            Edit::new(control, BY, None, self.now)?.close(run)
        })
        .await?;
        tracing::info!(run, missing, "run closed");
        Ok(())
    }

    /// Lets the others follow the canary's sample, where that is due.
    async fn release(&self, looked: &Looked<'_>) -> Result<(), LookError> {
        let Looked {
            name: run,
            keys,
            sum,
            watch,
            ..
        } = looked;
        let is_passed = match looked.run.canary {
            None => return Ok(()),
            Some(CanaryState::Passed) => true,
            Some(CanaryState::Waiting) => self.passes(looked).await?,
        };
        if !is_passed || watch.released.is_some() || sum.lines.0.is_empty() {
            return Ok(());
        }
        self.queues.order(run, &others(sum)).await?;
        edit_watch(self.store, keys, |watch| watch.released = Some(self.now)).await?;
        tracing::info!(run, "the others follow the canary");
        Ok(())
    }

    /// Whether the canary passes now. It is noted in the control object then.
    async fn passes(&self, looked: &Looked<'_>) -> Result<bool, LookError> {
        let (run, sum, watch) = (looked.name, &looked.sum, &looked.watch);
        let Some(rule) = &looked.rules.canary else {
            return Ok(false);
        };
        match canary(rule, sum, watch, self.now) {
            Canary::Sending => Ok(false),
            Canary::Waiting => {
                edit_watch(self.store, &looked.keys, |watch| {
                    watch.sample_sent.get_or_insert(self.now);
                })
                .await?;
                Ok(false)
            }
            Canary::Passes
                if holds_back(self.store, run, looked.rules, sum, watch, self.now).await? =>
            {
                Ok(false)
            }
            Canary::Passes => {
                // The brake or an operator may have been faster.
                let control = edit_control(self.store, |control| {
                    match control.run(run).map(|run| run.state) {
                        Some(RunState::Open) => {
                            Edit::new(control, BY_CANARY, None, self.now)?.release(run)
                        }
                        _ => Ok(control.clone()),
                    }
                })
                .await?;
                let after = control.run(run);
                Ok(after.is_some_and(|run| run.canary == Some(CanaryState::Passed)))
            }
        }
    }
}

impl Looked<'_> {
    fn look(&self) -> Look<'_> {
        Look {
            sum: &self.sum,
            watch: &self.watch,
            started_at: self.rules.started_at,
            since: self.run.since,
            redrive: self.redrives.last(),
            is_drained: self.is_drained,
            extent: match self.run.canary {
                None => Extent::Whole,
                Some(CanaryState::Passed) if self.watch.released.is_some() => {
                    Extent::SampleAndOthers
                }
                Some(_) => Extent::Sample,
            },
            can_be_swept: self.rules.can_be_swept,
        }
    }
}
