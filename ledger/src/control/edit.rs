//! The edits of the control object: pure functions from one object to the next.

use fanline_core::campaign::Lane;
use jiff::{SignedDuration, Timestamp};

use super::lanes::{make_way, pause_mode, settle_mapping};
use super::pace::min_pace;
use super::state::{
    CanaryState, Control, Mapping, Pace, PauseMode, RunControl, RunState, Signature, Stack,
};
use crate::keys::is_run_name;

/// A run leaves control after this time: no queue holds a message for longer.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A redrive takes time, so it begins an hour before the retry keys' horizon at the latest.
const REDRIVE_MARGIN: SignedDuration = SignedDuration::from_hours(1);
/// Longer words of an operator are refused.
const MAX_WORDS_CHARS: usize = 200;

/// An edit of a control object: who makes it, why, and when. Each verb gives the object as it is
/// afterwards, the same one where there is nothing to change.
///
/// Who and why are the audit trail: they stand in the object, and the bucket keeps its versions.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    control: &'a Control,
    by: &'a str,
    why: Option<&'a str>,
    now: Timestamp,
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The run's name.
    pub run: &'a str,
    /// When it began, as in its record.
    pub started_at: Timestamp,
    /// The lane.
    pub lane: Lane,
    /// Whether a canary goes first.
    pub has_canary: bool,
}

/// Why an edit can't be made: one sentence, with what can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The run is not in control.
    #[error("the run `{0}` is not in control: it was never fired here, or ended over 14 days ago")]
    NoRun(String),
    /// The run has ended.
    #[error("the run `{run}` is {state} and can't be changed")]
    Ended {
        /// The run.
        run: String,
        /// `cancelled` or `done`.
        state: &'static str,
    },
    /// LINE may have forgotten the run's retry keys.
    #[error(
        "the run `{run}` began at {started_at}: after 23 hours nothing more of it is sent. \
         Cancel it, then resend it to those who got nothing"
    )]
    TooOld {
        /// The run.
        run: String,
        /// When it began.
        started_at: Timestamp,
    },
    /// A redrive might outlast the run's retry keys.
    #[error(
        "the run `{run}` is done and began at {started_at}: after 22 hours it is not opened again. \
         Resend it to those who got nothing"
    )]
    TooOldToReopen {
        /// The run.
        run: String,
        /// When it began.
        started_at: Timestamp,
    },
    /// A value can't be.
    #[error("`{field}` {problem}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong, as the end of the sentence.
        problem: String,
    },
}

type Edited = Result<Control, EditError>;

impl<'a> Edit<'a> {
    /// An edit of this object by `by`: a user of the machine, or `brake`, `canary`, `bookkeeper`,
    /// `producer`.
    pub fn new(
        control: &'a Control,
        by: &'a str,
        why: Option<&'a str>,
        now: Timestamp,
    ) -> Result<Self, EditError> {
        let fits = |text: &str| {
            text.chars().count() <= MAX_WORDS_CHARS && !text.chars().any(char::is_control)
        };
        if by.trim().is_empty() || !fits(by) {
            return Err(value("by", "is not a name of up to 200 characters"));
        }
        if why.is_some_and(|why| !fits(why)) {
            return Err(value("why", "is not a line of up to 200 characters"));
        }
        Ok(Self {
            control,
            by,
            why,
            now,
        })
    }

    /// A run begins or is fired again. A run that is paused stays so, and one that is cancelled is
    /// refused.
    pub fn enter(self, entry: &Entry<'_>) -> Edited {
        if !is_run_name(entry.run) {
            return Err(value("run", "is not the name of a run"));
        }
        match self.control.runs.get(entry.run).map(|known| known.state) {
            None => {}
            Some(RunState::Open | RunState::Paused) => return Ok(self.control.clone()),
            Some(RunState::Cancelled) => return Err(ended(entry.run, RunState::Cancelled)),
            Some(RunState::Done) => return self.reopen(entry.run),
        }
        let run = RunControl {
            state: RunState::Open,
            mode: None,
            lane: entry.lane,
            started_at: entry.started_at,
            since: self.now,
            by: self.by.to_owned(),
            why: self.why.map(str::to_owned),
            expires_at: None,
            canary: entry.has_canary.then_some(CanaryState::Waiting),
            closed: None,
        };
        let mut control = self.control.clone();
        control.runs.insert(entry.run.to_owned(), run);
        make_way(&mut control, entry.lane);
        Ok(control)
    }

    /// Nothing more of the run is sent until it is resumed. Without a mode its deliveries wait
    /// where they are, and are parked where other runs of the lane are open.
    pub fn pause(self, run: &str, mode: Option<PauseMode>) -> Edited {
        let known = self.unended(run)?;
        if mode == Some(PauseMode::Park) && self.control.stack.fifo {
            return Err(value("mode", "can't be `park` on a FIFO queue: use `wait`"));
        }
        let mode = mode.or(known.mode);
        let mode = mode.unwrap_or_else(|| pause_mode(self.control, run, known.lane));
        if known.mode == Some(mode) {
            return Ok(self.control.clone());
        }
        let mut control = self.changed(run, |run| {
            run.state = RunState::Paused;
            run.mode = Some(mode);
        });
        settle_mapping(&mut control, known.lane);
        Ok(control)
    }

    /// The run goes on. Refused once its 23 hours are over.
    pub fn resume(self, run: &str) -> Edited {
        let known = self.unended(run)?;
        if self.now >= known.horizon() {
            return Err(EditError::TooOld {
                run: run.to_owned(),
                started_at: known.started_at,
            });
        }
        if known.state == RunState::Open {
            return Ok(self.control.clone());
        }
        let mut control = self.changed(run, |run| {
            run.state = RunState::Open;
            run.mode = None;
        });
        make_way(&mut control, known.lane);
        Ok(control)
    }

    /// Nothing more of the run is ever sent: its deliveries are acknowledged as cancelled, unread
    /// slices stay unread.
    pub fn cancel(self, run: &str) -> Edited {
        if self.known(run)?.state == RunState::Cancelled {
            return Ok(self.control.clone());
        }
        let known = self.unended(run)?;
        let mut control = self.changed(run, |run| {
            run.state = RunState::Cancelled;
            run.mode = None;
        });
        settle_mapping(&mut control, known.lane);
        Ok(control)
    }

    /// Nothing of the run is on any queue, and everybody has an outcome or nothing can bring one.
    /// Only the bookkeeper knows that. A cancelled run stays cancelled; either can be resent from
    /// now on.
    pub fn close(self, run: &str) -> Edited {
        let known = self.known(run)?;
        if known.closed.is_some() {
            return Ok(self.control.clone());
        }
        let mut control = self.changed(run, |run| {
            run.closed = Some(self.now);
            run.mode = None;
            if run.state != RunState::Cancelled {
                run.state = RunState::Done;
            }
        });
        settle_mapping(&mut control, known.lane);
        Ok(control)
    }

    /// A run that is done is open again, for a redrive of what was set aside. Refused in the last
    /// hour of its 23, and after it. The caller makes sure that the run has not been resent.
    pub fn reopen(self, run: &str) -> Edited {
        let known = self.known(run)?;
        match known.state {
            RunState::Open | RunState::Paused => return Ok(self.control.clone()),
            RunState::Cancelled => return Err(ended(run, known.state)),
            RunState::Done => {}
        }
        if self.now >= known.horizon() - REDRIVE_MARGIN {
            return Err(EditError::TooOldToReopen {
                run: run.to_owned(),
                started_at: known.started_at,
            });
        }
        let mut control = self.changed(run, |run| {
            run.state = RunState::Open;
            run.closed = None;
        });
        make_way(&mut control, known.lane);
        Ok(control)
    }

    /// The run's deliveries expire at this time instead of their own.
    pub fn extend(self, run: &str, expires_at: Timestamp) -> Edited {
        let known = self.unended(run)?;
        if expires_at <= self.now {
            return Err(value("expires_at", "has passed already"));
        }
        let horizon = known.horizon();
        if expires_at > horizon {
            let problem = format!("is after {horizon}, when LINE may forget the run's retry keys");
            return Err(value("expires_at", problem));
        }
        if known.expires_at == Some(expires_at) {
            return Ok(self.control.clone());
        }
        Ok(self.changed(run, |run| run.expires_at = Some(expires_at)))
    }

    /// The canary has passed, or an operator says so: the others are sent too. The run's state
    /// stays.
    pub fn release(self, run: &str) -> Edited {
        match self.unended(run)?.canary {
            None => Err(value(
                "canary",
                "is not in this run: everybody is sent to already",
            )),
            Some(CanaryState::Passed) => Ok(self.control.clone()),
            Some(CanaryState::Waiting) => {
                Ok(self.changed(run, |run| run.canary = Some(CanaryState::Passed)))
            }
        }
    }

    /// Requests a second for the whole stack; `None` takes a limit back. Refused below what the
    /// stack's consumers need to get through a batch: to send nothing, pause.
    pub fn set_pace(self, pace: Pace) -> Edited {
        if self.control.pace == pace {
            return Ok(self.control.clone());
        }
        let mut control = self.control.clone();
        control.pace = pace;
        control.pace_set = Some(Signature {
            since: self.now,
            by: self.by.to_owned(),
            why: self.why.map(str::to_owned),
        });
        if let Some(problem) = control.problem() {
            return Err(value("pace", format!("can't be so: {problem}")));
        }
        let Some(environments) = self.control.stack.environments else {
            let problem =
                "can't be set before the bookkeeper has said how many consumers there are";
            return Err(value("pace", problem));
        };
        let least = min_pace(environments);
        let mut paces = [pace.push, pace.multicast].into_iter().flatten();
        if paces.any(|pace| pace < least) {
            let problem = format!(
                "is below {least} a second: with {environments} consumers a batch \
                 would outlast its invocation. To send nothing, pause"
            );
            return Err(value("pace", problem));
        }
        Ok(control)
    }

    /// What the bookkeeper knows of its stack.
    pub fn set_stack(self, stack: Stack) -> Edited {
        let mut control = self.control.clone();
        control.stack = stack;
        match control.problem() {
            Some(problem) => Err(value("stack", format!("can't be so: {problem}"))),
            None => Ok(control),
        }
    }

    /// The bookkeeper has switched the lane's mapping on again, and leaves it alone from now on.
    pub fn mapping_is_on(self, lane: Lane) -> Edited {
        let mut control = self.control.clone();
        let mapping = control.mapping_mut(lane);
        if *mapping == Some(Mapping::Enabled) {
            *mapping = None;
        }
        Ok(control)
    }

    /// The runs that began, and changed last, over 14 days ago leave control.
    pub fn forget_old(self) -> Edited {
        let is_old = |time: Timestamp| self.now.duration_since(time) > KEPT;
        let mut control = self.control.clone();
        control
            .runs
            .retain(|_, run| !(is_old(run.since) && is_old(run.started_at)));
        for lane in [Lane::Bulk, Lane::Urgent] {
            settle_mapping(&mut control, lane);
        }
        Ok(control)
    }

    fn known(&self, run: &str) -> Result<&'a RunControl, EditError> {
        let known = self.control.runs.get(run);
        known.ok_or_else(|| EditError::NoRun(run.to_owned()))
    }

    /// The run, unless it has ended.
    fn unended(&self, run: &str) -> Result<&'a RunControl, EditError> {
        let known = self.known(run)?;
        match known.state {
            RunState::Open | RunState::Paused => Ok(known),
            RunState::Cancelled | RunState::Done => Err(ended(run, known.state)),
        }
    }

    /// The object with this run changed, and signed.
    fn changed(&self, run: &str, change: impl FnOnce(&mut RunControl)) -> Control {
        let mut control = self.control.clone();
        if let Some(run) = control.runs.get_mut(run) {
            change(run);
            run.since = self.now;
            self.by.clone_into(&mut run.by);
            run.why = self.why.map(str::to_owned);
        }
        control
    }
}

fn value(field: &'static str, problem: impl Into<String>) -> EditError {
    EditError::Value {
        field,
        problem: problem.into(),
    }
}

fn ended(run: &str, state: RunState) -> EditError {
    EditError::Ended {
        run: run.to_owned(),
        state: if state == RunState::Cancelled {
            "cancelled"
        } else {
            "done"
        },
    }
}
