//! `fanline redrive`: what a run has not sent, again under the same retry keys.

use fanline_core::channel::Channel;
use fanline_ledger::{
    CanaryState, Control, Edit, RunControl, RunKeys, RunRecord, RunState, SliceId, SliceOrder,
    edit_control, read_sum,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::args::{RedriveArgs, RedriveOnly};
use crate::commands::ledger::control::sign::{signed, signer};
use crate::commands::ledger::dead_letters::{is_of, reason};
use crate::commands::ledger::find_run::{find_run, read_record};
use crate::commands::ledger::people::key::channel;
use crate::commands::ledger::place::{Ledger, unusable};
use crate::commands::ledger::queues::{Queue, delivery_queue, required, wake};
use crate::commands::ledger::words::{count, time};
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// A redrive takes time, so it begins an hour before LINE may forget the keys at the latest.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Redriven {
    run: String,
    /// Dead letters that are back on the delivery queue.
    deliveries: u64,
    /// Slices whose people without an outcome are published again.
    slices: usize,
}

/// Puts dead letters back on the delivery queue, and has what is missing published again.
pub(super) async fn execute(args: &RedriveArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    let is_missing = args.only.contains(&RedriveOnly::Missing);
    refuse_old(&record)?;
    if is_missing {
        refuse_unpublishable(&record)?;
    }
    let control = reopen(&ledger, &record, args).await?;
    let redriven = Redriven {
        deliveries: move_letters(&ledger, &record, &control, &args.only).await?,
        slices: if is_missing {
            order(&ledger, &record, &control).await?
        } else {
            0
        },
        run: record.run,
    };
    wake(&ledger, control.stack().outcomes.as_deref()).await;
    if args.json {
        print::json(&redriven)?;
        return Ok(CommandEnd::Complete);
    }
    let run = &redriven.run;
    if redriven.deliveries == 0 && redriven.slices == 0 {
        print::line(format_args!("{run}: there is nothing to redrive"))?;
    }
    if redriven.deliveries > 0 {
        let letters = count(redriven.deliveries, "delivery is", "deliveries are");
        print::line(format_args!("{run}: {letters} back on the delivery queue"))?;
    }
    if redriven.slices > 0 {
        let slices = count(redriven.slices as u64, "slice is", "slices are");
        print::line(format_args!(
            "{run}: {slices} published again, as far as people have no outcome"
        ))?;
    }
    Ok(CommandEnd::Complete)
}

/// After 22 hours LINE may have forgotten the keys before the last delivery is sent.
fn refuse_old(record: &RunRecord) -> Result<(), InputError> {
    if Timestamp::now() < record.horizon() - MARGIN {
        return Ok(());
    }
    Err(InputError(format!(
        "the run `{}` began at {}: after 22 hours nothing more of it is redriven. Resend it to \
         those who got nothing",
        record.run,
        time(record.started_at)
    )))
}

/// What can't be published again under the same keys.
fn refuse_unpublishable(record: &RunRecord) -> Result<(), InputError> {
    let problem = if channel(record) == Channel::LineNotify {
        "LINE Notify has no retry keys, so what is missing is not published again"
    } else if record.list.is_inline() {
        "the rows stood in the campaign, and the ledger does not keep them, so what is missing \
         can't be published again"
    } else {
        return Ok(());
    };
    Err(InputError(problem.into()))
}

/// Opens a run again that is done, and makes sure that it has not been resent. Gives what control
/// says now.
///
/// A resend takes its number before it looks whether the run is closed. So of a resend and a
/// redrive at the same time, one at least sees the other.
async fn reopen(
    ledger: &Ledger,
    record: &RunRecord,
    args: &RedriveArgs,
) -> anyhow::Result<Control> {
    let by = signer(&args.sign);
    refuse_resent(ledger, record).await?;
    let edited = edit_control(&ledger.store, |control| {
        let edit: Edit<'_> = signed(&args.sign, &by, control)?;
        edit.reopen(&record.run)
    });
    let control = edited.await.map_err(|error| ledger.not_edited(error))?;
    refuse_resent(ledger, record).await?;
    if let Some(run) = control.run(&record.run)
        && args.only.contains(&RedriveOnly::Expired)
    {
        refuse_expired(record, run)?;
    }
    Ok(control)
}

async fn refuse_resent(ledger: &Ledger, record: &RunRecord) -> anyhow::Result<()> {
    let record = read_record(&ledger.store, &record.run).await?;
    match record {
        Some(record) if !record.resends.is_empty() => Err(InputError(format!(
            "the run `{}` has been resent, so a redrive could send somebody the message twice",
            record.run
        ))
        .into()),
        _ => Ok(()),
    }
}

/// What has expired would expire again.
fn refuse_expired(record: &RunRecord, run: &RunControl) -> Result<(), InputError> {
    let own = record.campaign.get("expires_at");
    let own = own.and_then(|time| time.as_str()?.parse().ok());
    match run.expires_at(own) {
        Some(expires_at) if expires_at <= Timestamp::now() && run.state != RunState::Cancelled => {
            Err(InputError(format!(
                "the deliveries of `{}` expired at {}, and would expire again: give them more \
                 time with `fanline extend` first",
                record.run,
                time(expires_at)
            )))
        }
        _ => Ok(()),
    }
}

async fn move_letters(
    ledger: &Ledger,
    record: &RunRecord,
    control: &Control,
    only: &[RedriveOnly],
) -> anyhow::Result<u64> {
    let stack = control.stack();
    let dead = required(stack.dead_letters.as_deref(), "dead-letter queue")?;
    let deliveries = delivery_queue(control, &record.run)?;
    let dead = Queue::open(ledger, dead).await?;
    let deliveries = Queue::open(ledger, deliveries).await?;
    let is_wanted = |message: &aws_sdk_sqs::types::Message| {
        let reason = reason(message);
        let is_meant = reason.is_some_and(|reason| only.iter().any(|only| only.has(reason)));
        is_meant && is_of(message, &record.run)
    };
    dead.sift(Some(&deliveries), &is_wanted).await
}

/// Orders every slice that has people without an outcome.
async fn order(ledger: &Ledger, record: &RunRecord, control: &Control) -> anyhow::Result<usize> {
    let sum = read_sum(&ledger.store, &RunKeys::new(&record.run)).await;
    let sum = sum.map_err(unusable)?;
    let is_finished = |slice: &SliceId| {
        let settled = sum.tallies.get(slice);
        let settled = settled.map_or(0, |tally| tally.people.all());
        let counts = sum.counts.get(slice);
        counts.is_some_and(|counts| counts.published && settled >= counts.recipients)
    };
    let canaries = sum.counts.keys().filter(|slice| slice.is_canary());
    // While the canary waits, nobody but its sample is sent to.
    let entry = control.run(&record.run);
    let waits = entry.is_some_and(|run| run.canary == Some(CanaryState::Waiting));
    let lines = if waits { &[][..] } else { &sum.lines.0[..] };
    let slices = lines.iter().map(|line| &line.slice);
    let orders: Vec<_> = canaries
        .chain(slices)
        .filter(|slice| !is_finished(slice))
        .map(|slice| SliceOrder::new(&record.run, *slice).encode())
        .collect();
    if !orders.is_empty() {
        let queue = required(control.stack().slices.as_deref(), "slice queue")?;
        Queue::open(ledger, queue).await?.send(&orders).await?;
    }
    Ok(orders.len())
}
