//! `fanline redrive`: what a run has not sent, again under the same retry keys.

use std::collections::{HashMap, HashSet};

use aws_sdk_sqs::types::Message;
use fanline_bookkeeper::run_of;
use fanline_core::channel::Channel;
use fanline_core::delivery::{Delivery, is_sealed};
use fanline_ledger::{
    CanaryState, Control, EditError, Redrive, RedriveReason, RunControl, RunKeys, RunRecord,
    RunState, RunSum, SliceId, SliceOrder, Tally, draw_id, edit_control, note_redrive,
    read_control, read_sum,
};
use fanline_seal::Outline;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;

use crate::args::{LetterReason, RedriveArgs, RedriveOnly};
use crate::commands::ledger::control::sign::{signed, signer};
use crate::commands::ledger::dead_letters::reason;
use crate::commands::ledger::find_run::{find_run, read_record};
use crate::commands::ledger::people::key::channel;
use crate::commands::ledger::place::{Ledger, unusable};
use crate::commands::ledger::queues::{delivery_queue, open, refuse_without_lane, required, wake};
use crate::commands::ledger::words::{count, people, time};
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// A redrive takes time, so it begins an hour before LINE may forget the keys at the latest.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// What was done.
#[derive(Debug, Default, Serialize)]
pub(super) struct Redriven {
    run: String,
    /// Dead letters that are back on the delivery queue.
    deliveries: u64,
    /// Dead letters that were left, since no key opened them.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_key: Option<u64>,
    /// Slices of which people are published again: who has no outcome, or no dead letter any more.
    slices: usize,
    /// People without a dead letter who can't be published again.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    /// Why they can't.
    #[serde(skip)]
    unpublishable: Option<InputError>,
}

/// Redrives, and prints what was done.
pub(super) async fn execute(args: &RedriveArgs) -> anyhow::Result<CommandEnd> {
    let redriven = Box::pin(redrive(args)).await?;
    if args.json {
        print::json(&redriven)?;
    } else {
        for line in redriven.lines() {
            print::line(line)?;
        }
    }
    Ok(CommandEnd::Complete)
}

/// Puts dead letters back on the delivery queue, and has published again whom they don't reach: the
/// missing, and those whose dead letters are gone.
pub(super) async fn redrive(args: &RedriveArgs) -> anyhow::Result<Redriven> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    let is_missing = args.only.contains(&RedriveOnly::Missing);
    refuse_old(&record)?;
    let publishable = refuse_unpublishable(&record);
    if is_missing {
        publishable.clone()?;
    }
    let by = signer(&args.sign);
    let reasons_by = |of: fn(RedriveOnly) -> &'static [RedriveReason]| -> Vec<_> {
        args.only
            .iter()
            .flat_map(|only| of(*only))
            .copied()
            .collect()
    };
    let published = reasons_by(RedriveOnly::reasons);
    let mut note = Redrive {
        id: draw_id(),
        time: Timestamp::now(),
        by: by.clone(),
        why: args.sign.why.clone(),
        only: reasons_by(RedriveOnly::doubtful),
        ended: None,
    };
    let keys = RunKeys::new(&record.run);
    let control = reopen(&ledger, &record, args, &note).await?;
    let sum = read_sum(&ledger.store, &keys).await.map_err(unusable)?;
    let letters = move_letters(&ledger, &record, &control, &args.only).await?;
    let without_letter = people_with(&sum, &published).saturating_sub(letters.people);
    let reasons = if without_letter > 0 && publishable.is_ok() {
        &published[..]
    } else {
        &[]
    };
    let orders = orders(&record, &sum, &control, is_missing, reasons);
    let redriven = Redriven {
        deliveries: letters.deliveries,
        no_key: Some(letters.no_key).filter(|left| *left > 0),
        slices: orders.len(),
        lost: Some(without_letter).filter(|lost| publishable.is_err() && *lost > 0),
        unpublishable: publishable.err(),
        run: record.run,
    };
    if !orders.is_empty() {
        let queue = required(control.stack().slices.as_deref(), "slice queue")?;
        open(&ledger, queue).await?.send(&orders).await?;
    }
    note.ended = Some(Timestamp::now());
    write_note(&ledger, &keys, &note).await?;
    wake(&ledger, control.stack().outcomes.as_deref()).await;
    Ok(redriven)
}

impl Redriven {
    /// What was done, in words.
    pub(super) fn lines(&self) -> Vec<String> {
        let run = &self.run;
        let mut lines = Vec::new();
        if self.deliveries == 0 && self.slices == 0 && self.lost.is_none() {
            lines.push(format!("{run}: there is nothing to redrive"));
        }
        if self.deliveries > 0 {
            let letters = count(self.deliveries, "delivery is", "deliveries are");
            lines.push(format!("{run}: {letters} back on the delivery queue"));
        }
        if let Some(left) = self.no_key {
            let letters = count(left, "dead letter", "dead letters");
            lines.push(format!(
                "{run}: {letters} had no key to open with: when it can be used, `fanline redrive \
                 {run} --only no-key`"
            ));
        }
        if self.slices > 0 {
            let slices = count(self.slices as u64, "slice is", "slices are");
            lines.push(format!(
                "{run}: {slices} published again, as far as people got nothing"
            ));
        }
        if let (Some(problem), Some(lost)) = (&self.unpublishable, self.lost) {
            let number = people(lost);
            lines.push(format!("{run}: {number} without a dead letter: {problem}"));
        }
        lines
    }
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
        "LINE Notify has no retry keys, so nothing is published again"
    } else if record.list.is_inline() {
        "the rows stood in the campaign, and the ledger does not keep them, so nothing can be \
         published again"
    } else {
        return Ok(());
    };
    Err(InputError(problem.into()))
}

/// Opens a run again that is done, and makes sure that it has not been resent. Gives what control
/// says now.
///
/// The note comes first: with it the bookkeeper keeps the run open until its queues are empty
/// again, and a later resend knows whose outcome may be lost. A resend takes its number before it
/// looks whether the run is closed. So of a resend and a redrive at the same time, one at least
/// sees the other.
async fn reopen(
    ledger: &Ledger,
    record: &RunRecord,
    args: &RedriveArgs,
    note: &Redrive,
) -> anyhow::Result<Control> {
    let reopen = |control: &Control| -> Result<Control, EditError> {
        signed(&args.sign, &note.by, control)?.reopen(&record.run)
    };
    refuse_resent(ledger, record).await?;
    let control = read_control(&ledger.store, None).await;
    let control = control.map_err(|error| ledger.not_controlled(error))?;
    let control = reopen(&control.unwrap_or_default().0);
    let control = control.map_err(|error| ledger.not_controlled(error.into()))?;
    if let Some(run) = control.run(&record.run)
        && args.only.contains(&RedriveOnly::Expired)
    {
        refuse_expired(record, run)?;
    }
    refuse_without_lane(&control, &record.run)?;
    write_note(ledger, &RunKeys::new(&record.run), note).await?;
    let edited = edit_control(&ledger.store, reopen).await;
    let control = edited.map_err(|error| ledger.not_edited(error))?;
    refuse_resent(ledger, record).await?;
    Ok(control)
}

async fn write_note(ledger: &Ledger, keys: &RunKeys, note: &Redrive) -> anyhow::Result<()> {
    let noted = note_redrive(&ledger.store, keys, note).await;
    noted.map_err(unusable)
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

/// Dead letters that were moved.
struct Letters {
    deliveries: u64,
    /// Those of the run that were left, since no key opened them.
    no_key: u64,
    /// The people of those whose reason is in the ledger too, each counted once.
    people: u64,
}

async fn move_letters(
    ledger: &Ledger,
    record: &RunRecord,
    control: &Control,
    only: &[RedriveOnly],
) -> anyhow::Result<Letters> {
    let stack = control.stack();
    let dead = required(stack.dead_letters.as_deref(), "dead-letter queue")?;
    let deliveries = delivery_queue(control, &record.run)?;
    let dead = open(ledger, dead).await?;
    let deliveries = open(ledger, deliveries).await?;
    let moved = Mutex::new(HashMap::new());
    // A message that is left can be seen twice.
    let no_key = Mutex::new(HashSet::new());
    let back = |message: &mut Message| {
        let reason = reason(message)?;
        if run_of(message)? != record.run {
            return None;
        }
        if !only.iter().any(|only| only.has(reason)) {
            if reason == LetterReason::NoKey {
                no_key.lock().insert(message.message_id.clone());
            }
            return None;
        }
        // One that is sealed can't be marked. The order for its slice publishes it again.
        let is_marked = reason == LetterReason::ReceivedTooOften;
        if is_marked && message.body().is_some_and(is_sealed) {
            return None;
        }
        // Two letters of one delivery are one. Only a letter whose reason is an outcome in the
        // ledger stands for people with that outcome.
        let has_outcome = |only: &RedriveOnly| !only.reasons().is_empty() && only.has(reason);
        if only.iter().any(has_outcome)
            && let Some(outline) = message.body().and_then(Outline::of)
        {
            moved.lock().insert(outline.identity, outline.people);
        }
        let delivery = message.body().and_then(|body| Delivery::decode(body).ok());
        if let Some(mut delivery) = delivery
            && is_marked
            && !delivery.perhaps_taken
        {
            // Nobody knows what became of its requests, and its receives are counted anew.
            delivery.perhaps_taken = true;
            message.body = Some(delivery.encode());
        }
        Some(&deliveries)
    };
    let deliveries = dead.sift(&back, None).await?.moved;
    let people = moved.into_inner().into_values().sum();
    Ok(Letters {
        deliveries,
        no_key: no_key.into_inner().len() as u64,
        people,
    })
}

/// How many people got nothing for these reasons.
fn people_with(sum: &RunSum, reasons: &[RedriveReason]) -> u64 {
    let tallies = sum.tallies.values();
    tallies.map(|tally| people_of(tally, reasons)).sum()
}

fn people_of(tally: &Tally, reasons: &[RedriveReason]) -> u64 {
    let cells = tally.cells.iter();
    let meant = cells.filter(|count| {
        RedriveReason::of(Some(count.cell)).is_some_and(|reason| reasons.contains(&reason))
    });
    meant.map(|count| count.people).sum()
}

/// Orders every slice that has people without an outcome, where those are meant, or people who got
/// nothing for these reasons.
fn orders(
    record: &RunRecord,
    sum: &RunSum,
    control: &Control,
    is_missing: bool,
    reasons: &[RedriveReason],
) -> Vec<String> {
    let is_finished = |slice: &SliceId| {
        let settled = sum.tallies.get(slice);
        let settled = settled.map_or(0, |tally| tally.people.all());
        let counts = sum.counts.get(slice);
        counts.is_some_and(|counts| counts.published && settled >= counts.recipients)
    };
    let has_unsent = |slice: &SliceId| {
        let tally = sum.tallies.get(slice);
        tally.is_some_and(|tally| people_of(tally, reasons) > 0)
    };
    let canaries = sum.counts.keys().filter(|slice| slice.is_canary());
    // While the canary waits, nobody but its sample is sent to.
    let entry = control.run(&record.run);
    let waits = entry.is_some_and(|run| run.canary == Some(CanaryState::Waiting));
    let lines = if waits { &[][..] } else { &sum.lines.0[..] };
    let slices = lines.iter().map(|line| &line.slice);
    let ordered = canaries.chain(slices).filter_map(|slice| {
        let order = SliceOrder::new(&record.run, *slice);
        if has_unsent(slice) {
            Some(order.with(reasons))
        } else {
            (is_missing && !is_finished(slice)).then_some(order)
        }
    });
    ordered.map(|order| order.encode()).collect()
}
