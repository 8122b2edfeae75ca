//! `fanline pause`, `resume`, `cancel`, `pace`, `extend`, `release`: edits of the control object.

pub(super) mod ask;
pub(super) mod sign;

use std::time::Duration;

use aws_sdk_sqs::types::Message;
use fanline_bookkeeper::run_of;
use fanline_ledger::{
    Control, Edit, EditError, Mapping, Pace, PauseMode, RunControl, RunState, Signature,
    edit_control, read_control,
};
use indicatif::HumanCount;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::{
    CancelArgs, EditArgs, ExtendArgs, PaceArgs, PaceLimit, PauseArgs, ReleaseArgs, ResumeArgs,
    SignArgs,
};
use crate::commands::ledger::control::ask::ask;
use crate::commands::ledger::control::sign::{signed, signer};
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::queues::{delivery_queue, open, refuse_without_lane, wake};
use crate::commands::ledger::words::{count, from_now, time};
use crate::exit::CommandEnd;
use crate::print;

/// What is done with a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Pause(Option<PauseMode>),
    Resume,
    Cancel,
    Extend(Timestamp),
    Release,
}

impl Verb {
    fn apply(self, edit: Edit<'_>, run: &str) -> Result<Control, EditError> {
        match self {
            Self::Pause(mode) => edit.pause(run, mode),
            Self::Resume => edit.resume(run),
            Self::Cancel => edit.cancel(run),
            Self::Extend(expires_at) => edit.extend(run, expires_at),
            Self::Release => edit.release(run),
        }
    }
}

/// The control object before and after an edit.
pub(super) struct Edited {
    before: Control,
    pub(super) after: Control,
}

/// What an edit came to, for programs.
#[derive(Serialize)]
struct EditReport<'a> {
    run: &'a str,
    changed: bool,
    #[serde(flatten)]
    control: Option<&'a RunControl>,
    /// Deliveries that were put back on the delivery queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    unparked: Option<u64>,
}

/// Sends nothing more of a run until it is resumed.
pub(super) async fn pause(args: &PauseArgs) -> anyhow::Result<CommandEnd> {
    let mode = args.mode.map(PauseMode::from);
    let done = edit_run(&args.edit, Verb::Pause(mode)).await?;
    let now = Timestamp::now();
    done.print(&args.edit, None, |control| {
        let mode = match control.mode {
            Some(PauseMode::Park) => "its deliveries are put on the parked queue",
            _ => "its deliveries wait where they are",
        };
        let horizon = control.horizon();
        let until = format!("{} ({})", time(horizon), from_now(horizon, now));
        format!("is paused: {mode}. It can be resumed until {until}")
    })
}

/// Goes on with a run, and puts its parked deliveries back on the delivery queue.
pub(super) async fn resume(args: &ResumeArgs) -> anyhow::Result<CommandEnd> {
    let done = edit_run(&args.edit, Verb::Resume).await?;
    // Also where it was open already: an earlier command may have been stopped in the middle.
    let unparked = unpark(&done.ledger, &done.run, &done.edited.after).await?;
    done.print(&args.edit, Some(unparked), |_| {
        let parked = match unparked {
            0 => String::new(),
            number => {
                let number = count(number, "parked delivery is", "parked deliveries are");
                format!(": {number} back on the delivery queue")
            }
        };
        format!("goes on{parked}")
    })
}

/// So long a consumer may obey what it knew before a change: a second between two reads of the
/// control object, one read that came to nothing, and the batch that it has in hand.
const OUT_OF_DATE: Duration = Duration::from_secs(3);

/// Puts the parked deliveries of a run back on the delivery queue, and gives their number. It looks
/// again until nothing more comes: a consumer that does not know of the change still parks. Should
/// it be stopped in the middle, the bookkeeper goes on within a minute.
pub(super) async fn unpark(ledger: &Ledger, run: &str, control: &Control) -> anyhow::Result<u64> {
    let Some(parked) = &control.stack().parked else {
        return Ok(0);
    };
    let deliveries = delivery_queue(control, run)?;
    let deliveries = open(ledger, deliveries).await?;
    let parked = open(ledger, parked).await?;
    let back = |message: &mut Message| (run_of(message)? == run).then_some(&deliveries);
    let mut moved = parked.sift(&back, None).await?.moved;
    loop {
        tokio::time::sleep(OUT_OF_DATE).await;
        match parked.sift(&back, None).await?.moved {
            0 => return Ok(moved),
            more => moved += more,
        }
    }
}

/// Never sends anything more of a run.
pub(super) async fn cancel(args: &CancelArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.edit.run.ledger).await?;
    let run = find_run(&ledger, &args.edit.run.run).await?.run;
    let control = read(&ledger).await?;
    let state = control.run(&run).map(|control| control.state);
    if matches!(state, Some(RunState::Open | RunState::Paused)) {
        ask(&format!("this cancels the run `{run}` for good"), args.yes)?;
    }
    let done = edit_found(ledger, run, &args.edit.sign, Verb::Cancel).await?;
    done.print(&args.edit, None, |_| {
        "is cancelled. Once it is closed, `fanline resend` reaches those who got nothing".into()
    })
}

/// Lets a run's deliveries expire at another time.
pub(super) async fn extend(args: &ExtendArgs) -> anyhow::Result<CommandEnd> {
    let expires_at = args.expires_at;
    let done = edit_run(&args.edit, Verb::Extend(expires_at)).await?;
    let now = Timestamp::now();
    done.print(&args.edit, None, |_| {
        let when = format!("{} ({})", time(expires_at), from_now(expires_at, now));
        format!("expires at {when}. What has expired already: `fanline redrive --only expired`")
    })
}

/// Sends to everybody besides the canary's sample.
pub(super) async fn release(args: &ReleaseArgs) -> anyhow::Result<CommandEnd> {
    let done = edit_run(&args.edit, Verb::Release).await?;
    done.print(&args.edit, None, |_| {
        "is released: everybody is sent to".into()
    })
}

/// Sets the pace of the stack, or says it.
pub(super) async fn pace(args: &PaceArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.ledger).await?;
    let control = if args.push.is_none() && args.multicast.is_none() {
        read(&ledger).await?
    } else {
        set_pace(&ledger, &args.sign, args.push, args.multicast)
            .await?
            .after
    };
    print_pace(&control, args.json)?;
    Ok(CommandEnd::Complete)
}

/// Sets the limits that are given; the others stay.
pub(super) async fn set_pace(
    ledger: &Ledger,
    sign: &SignArgs,
    push: Option<PaceLimit>,
    multicast: Option<PaceLimit>,
) -> anyhow::Result<Edited> {
    let change = |edit: Edit<'_>, control: &Control| {
        let now = control.pace();
        edit.set_pace(Pace {
            push: push.map_or(now.push, |limit| limit.0),
            multicast: multicast.map_or(now.multicast, |limit| limit.0),
        })
    };
    edit(ledger, sign, change).await
}

fn print_pace(control: &Control, json: bool) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct PaceReport<'a> {
        push: Option<u32>,
        multicast: Option<u32>,
        set: Option<&'a Signature>,
    }
    let (pace, set) = (control.pace(), control.pace_set());
    if json {
        return print::json(&PaceReport {
            push: pace.push,
            multicast: pace.multicast,
            set,
        });
    }
    let words = |limit: Option<u32>| match limit {
        Some(limit) => format!("at most {} a second", HumanCount(limit.into())),
        None => "as fast as LINE allows".into(),
    };
    print::line(format_args!(
        "pushes: {}\nmulticasts: {}",
        words(pace.push),
        words(pace.multicast)
    ))?;
    if let Some(set) = set {
        print::line(format_args!(
            "set {}",
            signature(&set.by, set.since, set.why.as_deref())
        ))?;
    }
    Ok(())
}

/// A run after its edit.
struct Done {
    ledger: Ledger,
    run: String,
    edited: Edited,
}

impl Done {
    /// Prints what became of the run, or that it was so already.
    fn print(
        &self,
        args: &EditArgs,
        unparked: Option<u64>,
        words: impl Fn(&RunControl) -> String,
    ) -> anyhow::Result<CommandEnd> {
        let (run, control) = (&self.run, self.edited.after.run(&self.run));
        let changed = self.edited.before != self.edited.after;
        if args.json {
            print::json(&EditReport {
                run,
                changed,
                control,
                unparked,
            })?;
        } else if let Some(control) = control {
            print::line(format_args!("{run} {}", words(control)))?;
            if !changed {
                let set = signature(&control.by, control.since, control.why.as_deref());
                print::line(format_args!("it was so already, {set}"))?;
            }
            self.print_mapping()?;
        }
        Ok(CommandEnd::Complete)
    }

    /// Says what else changes for the lane.
    fn print_mapping(&self) -> std::io::Result<()> {
        let Some(run) = self.edited.after.run(&self.run) else {
            return Ok(());
        };
        if self.edited.after.stack().lacks(run.lane) {
            return print::line(
                "the stack has no urgent queue, so nothing takes the deliveries of the run",
            );
        }
        let mapping = |control: &Control| control.mapping(run.lane);
        match (mapping(&self.edited.before), mapping(&self.edited.after)) {
            (before, after) if before == after => Ok(()),
            (_, Some(Mapping::Disabled)) => {
                print::line("nothing else is sent: the bookkeeper switches the consumer off")
            }
            (_, Some(Mapping::Enabled)) => {
                print::line("the bookkeeper switches the consumer on, if it has switched it off")
            }
            (_, None) => Ok(()),
        }
    }
}

fn signature(by: &str, since: Timestamp, why: Option<&str>) -> String {
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!("by {by}, {}{why}", from_now(since, Timestamp::now()))
}

/// Edits the control of the run that the flags name.
async fn edit_run(args: &EditArgs, verb: Verb) -> anyhow::Result<Done> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let run = find_run(&ledger, &args.run.run).await?.run;
    edit_found(ledger, run, &args.sign, verb).await
}

async fn edit_found(
    ledger: Ledger,
    run: String,
    sign: &SignArgs,
    verb: Verb,
) -> anyhow::Result<Done> {
    let edited = edit_named(&ledger, &run, sign, verb).await?;
    Ok(Done {
        ledger,
        run,
        edited,
    })
}

/// Edits the control of a run. What would send is refused where nothing takes its deliveries.
pub(super) async fn edit_named(
    ledger: &Ledger,
    run: &str,
    sign: &SignArgs,
    verb: Verb,
) -> anyhow::Result<Edited> {
    if matches!(verb, Verb::Resume | Verb::Release) {
        refuse_without_lane(&read(ledger).await?, run)?;
    }
    edit(ledger, sign, |edit, _| verb.apply(edit, run)).await
}

async fn read(ledger: &Ledger) -> anyhow::Result<Control> {
    let control = read_control(&ledger.store, None).await;
    let control = control.map_err(|error| ledger.not_controlled(error))?;
    Ok(control.unwrap_or_default().0)
}

/// Edits the control object, and wakes the bookkeeper. Of two operators at once both edits are
/// made, one after the other.
async fn edit(
    ledger: &Ledger,
    sign: &SignArgs,
    change: impl Fn(Edit<'_>, &Control) -> Result<Control, EditError>,
) -> anyhow::Result<Edited> {
    let by = signer(sign);
    let mut before = Control::default();
    let after = edit_control(&ledger.store, |control| {
        before = control.clone();
        change(signed(sign, &by, control)?, control)
    });
    let after = after.await.map_err(|error| ledger.not_edited(error))?;
    wake(ledger, after.stack().outcomes.as_deref()).await;
    Ok(Edited { before, after })
}
