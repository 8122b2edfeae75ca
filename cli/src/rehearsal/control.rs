//! What an operator, the brake and the canary say about a run on this machine.

use std::time::Duration;

use fanline_ledger::{
    CanaryRule, CanaryState, RunControl, RunKeys, RunState, read_control, read_sum, read_watch,
};
use indicatif::HumanDuration;

use crate::campaign_file::CampaignFile;
use crate::exit::InputError;
use crate::print;
use crate::rehearsal::run_folder::RunFolder;

/// What a pause means for who waits for the run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Somebody may resume it.
    Waits,
    /// Nobody can.
    NobodyResumes,
}

/// The control of a run, and what was said about it already.
pub(crate) struct ControlOfRun<'a> {
    runs: &'a RunFolder,
    run: String,
    /// How long the canary is watched; `None`: the campaign has none.
    canary_wait: Option<Duration>,
    is_pause_told: bool,
    is_canary_told: bool,
}

impl<'a> ControlOfRun<'a> {
    pub(crate) fn new(runs: &'a RunFolder, file: &CampaignFile) -> Result<Self, InputError> {
        let canary = CanaryRule::of_campaign(&file.event);
        let canary = canary.map_err(|error| InputError(error.to_string()))?;
        Ok(Self {
            runs,
            run: file.campaign.run(),
            canary_wait: canary.map(|canary| Duration::from_secs(canary.wait_seconds.into())),
            is_pause_told: false,
            is_canary_told: false,
        })
    }

    /// How long nothing may move although all is well.
    pub(crate) fn canary_wait(&self) -> Duration {
        self.canary_wait.unwrap_or_default()
    }

    /// Whether the run is paused, and what that means. Says it once.
    pub(crate) async fn pause(&mut self) -> anyhow::Result<Option<Pause>> {
        let state = self.read().await?;
        let Some(state) = state.filter(|state| state.state == RunState::Paused) else {
            self.is_pause_told = false;
            return Ok(None);
        };
        if self.runs.is_temporary() {
            return Ok(Some(Pause::NobodyResumes));
        }
        if !self.is_pause_told {
            let (run, by, at) = (&self.run, &state.by, self.runs.path().display());
            let why = state.why.map(|why| format!(": {why}")).unwrap_or_default();
            print::note(format_args!(
                "Paused by {by}{why}. To go on: `fanline resume {run} --at {at}`"
            ));
            self.is_pause_told = true;
        }
        Ok(Some(Pause::Waits))
    }

    /// Whether each person has an outcome in the ledger.
    pub(crate) async fn is_settled(&self) -> anyhow::Result<bool> {
        let sum = read_sum(&self.runs.store(), &RunKeys::new(&self.run)).await?;
        Ok(sum.is_settled())
    }

    /// Whether a canary holds people back who are not on any queue yet. Once this is `false`, all
    /// that is to be sent has come onto a queue.
    pub(crate) async fn holds_back(&self) -> anyhow::Result<bool> {
        if self.canary_wait.is_none() {
            return Ok(false);
        }
        let Some(state) = self.read().await? else {
            return Ok(false);
        };
        Ok(match (state.state, state.canary) {
            (RunState::Open | RunState::Paused, Some(CanaryState::Waiting)) => true,
            // Who lets the canary pass orders the others after that.
            (RunState::Open | RunState::Paused, Some(CanaryState::Passed)) => {
                let watch = read_watch(&self.runs.store(), &RunKeys::new(&self.run)).await?;
                watch.released.is_none()
            }
            _ => false,
        })
    }

    /// Says once that the others wait.
    pub(crate) fn tell_canary(&mut self) {
        if !self.is_canary_told {
            let (run, at) = (&self.run, self.runs.path().display());
            let wait = HumanDuration(self.canary_wait());
            print::note(format_args!(
                "The canary's sample was sent. All others follow in {wait}, if the brake does not \
                 pause the run. To send to them now: `fanline release {run} --at {at}`"
            ));
            self.is_canary_told = true;
        }
    }

    async fn read(&self) -> anyhow::Result<Option<RunControl>> {
        let control = read_control(&self.runs.store(), None).await?;
        Ok(control.and_then(|(control, _)| control.run(&self.run).cloned()))
    }
}
