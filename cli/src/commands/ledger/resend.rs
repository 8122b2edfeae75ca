//! `fanline resend`: a new campaign for those who got nothing.

mod chooser;
mod family;
mod files;
mod mend;
mod standing;

use std::collections::HashSet;
use std::path::Path;

use fanline_ledger::{
    Control, Expect, Lane, ObjectError, ResendClaim, RunKeys, RunRecord, RunState, StoreError,
    draw_id, read_control,
};
use fanline_telemetry::fingerprint::Fingerprint;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::args::ResendArgs;
use crate::commands::ledger::control::ask::ask;
use crate::commands::ledger::control::sign::signer;
use crate::commands::ledger::find_run::{find_root, find_run};
use crate::commands::ledger::people::joined::{JoinedRow, for_each_row};
use crate::commands::ledger::place::{Ledger, unusable};
use crate::commands::ledger::words::people;
use crate::exit::{CommandEnd, InputError};
use crate::print;
use chooser::Chooser;
use family::{Family, Unclaimed, closed_as};
use files::{ResendFiles, Written};
use mend::choose_mended;
use standing::{Choice, ChoiceCounts};

pub(super) use files::resend_id;

/// Said of a resend of an urgent run.
const LANE_IS_GONE: &str = "the stack has no urgent queue, so the resend goes with the other runs: \
                            with `UrgentLane=ENABLED` put `\"lane\": \"urgent\"` into its campaign";

/// What was made, for programs.
#[derive(Serialize)]
struct ResendReport<'a> {
    run: &'a str,
    resend: Option<&'a str>,
    campaign: Option<String>,
    people: u64,
    may_double: u64,
    left_out_perhaps_taken: u64,
    left_out_in_another_resend: u64,
    left_out_mended: u64,
}

/// Writes the campaign and its list.
pub(super) async fn execute(args: &ResendArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let plan = Box::pin(plan(&ledger, args)).await?;
    let run = &plan.root.run;
    explain(run, &plan.counts, args.json);
    if plan.lane_is_gone {
        print::note(format_args!("{run}: {LANE_IS_GONE}"));
    }
    if plan.counts.people() == 0 {
        report(run, None, &plan.counts, args.json)?;
        return Ok(CommandEnd::Complete);
    }
    ask(&question(run, &plan.counts), args.yes)?;
    let (files, counts) = Box::pin(make(&ledger, &plan, args)).await?;
    report(run, Some(&files), &counts, args.json)?;
    Ok(CommandEnd::Complete)
}

/// Who would be on the list of a resend.
pub(super) struct ResendPlan {
    root: RunRecord,
    state: RunState,
    choice: Choice,
    lane_is_gone: bool,
    pub(super) counts: ChoiceCounts,
    in_rolls: HashSet<Fingerprint>,
}

/// Goes over the list, and changes nothing.
pub(super) async fn plan(ledger: &Ledger, args: &ResendArgs) -> anyhow::Result<ResendPlan> {
    let named = find_run(ledger, &args.run.run).await?;
    let root = find_root(ledger, named).await?;
    let (control, state) = require_closed(ledger, &root).await?;
    let choice = Choice {
        only: args.only.clone(),
        may_double: args.may_double,
    };
    let taken = root.resends.len();
    let family = Family::read(ledger, &root, &control, taken, Unclaimed::Skip).await?;
    let nobody = HashSet::new();
    let mut first = Chooser::new(&root, state, &choice, &family, &nobody);
    Box::pin(choose(ledger, &root, Lists::of(args), &mut first, None)).await?;
    let (counts, in_rolls) = (first.counts.clone(), first.into_in_rolls());
    Ok(ResendPlan {
        lane_is_gone: lane_is_gone(&control, &root),
        root,
        state,
        choice,
        counts,
        in_rolls,
    })
}

/// Makes the resend: takes its number, writes down who is in it, and writes its files.
pub(super) async fn make(
    ledger: &Ledger,
    plan: &ResendPlan,
    args: &ResendArgs,
) -> anyhow::Result<(Written, ChoiceCounts)> {
    let root = &plan.root;
    let by = signer(&args.sign);
    let number = take_number(ledger, &root.run).await?;
    // A redrive opens the run before it looks for resends. One of the two sees the other.
    let (control, _) = require_closed(ledger, root).await?;
    let unclaimed = Unclaimed::GiveUp(&by);
    let family = Family::read(ledger, root, &control, number - 1, unclaimed).await?;
    let mut files = ResendFiles::create(root, number, args.out.as_deref())?;
    let mut second = Chooser::new(root, plan.state, &plan.choice, &family, &plan.in_rolls);
    let lists = Lists::of(args);
    Box::pin(choose(ledger, root, lists, &mut second, Some(&mut files))).await?;
    let (counts, key, id) = (second.counts.clone(), second.key_check(), files.id());
    let chosen = second.into_chosen();
    let mut claim = ResendClaim::new(id.to_owned(), key, chosen, by, Timestamp::now());
    claim.why.clone_from(&args.sign.why);
    put_claim(ledger, &root.run, number, &claim).await?;
    let lane_is_gone = lane_is_gone(&control, root);
    Ok((files.finish(root, lane_is_gone)?, counts))
}

/// Whether the run was urgent, and the stack has no urgent lane any more.
fn lane_is_gone(control: &Control, root: &RunRecord) -> bool {
    let lane = root.campaign.get("lane").and_then(Value::as_str);
    lane == Some("urgent") && control.stack().lacks(Lane::Urgent)
}

/// Nothing of a closed run can still go out.
async fn require_closed(ledger: &Ledger, root: &RunRecord) -> anyhow::Result<(Control, RunState)> {
    let control = read_control(&ledger.store, None).await;
    let control = control.map_err(|error| ledger.not_controlled(error))?;
    let control = control.unwrap_or_default().0;
    let state = closed_as(&control, root).ok_or_else(|| {
        let cure = match control.run(&root.run).map(|run| run.state) {
            Some(RunState::Cancelled) => "the bookkeeper closes it once its queues are empty",
            Some(_) => "wait until everybody has an outcome, or cancel it",
            None => "it is not in control, so it counts as closed after its 23 hours",
        };
        let run = &root.run;
        InputError(format!(
            "the run `{run}` is not closed, so something of it can still be sent: {cure}"
        ))
    })?;
    Ok((control, state))
}

/// The files that rows are read from.
#[derive(Debug, Clone, Copy)]
struct Lists<'a> {
    /// A copy of the run's list, where it is no longer where it was.
    list: Option<&'a Path>,
    /// Rows that could not be sent, mended.
    mend: Option<&'a Path>,
}

impl<'a> Lists<'a> {
    fn of(args: &'a ResendArgs) -> Self {
        Self {
            list: args.list.as_deref(),
            mend: args.mend.as_deref(),
        }
    }
}

/// Goes over the list: counts who is chosen, and writes their rows down.
async fn choose(
    ledger: &Ledger,
    root: &RunRecord,
    lists: Lists<'_>,
    chooser: &mut Chooser<'_>,
    mut files: Option<&mut ResendFiles>,
) -> anyhow::Result<()> {
    let with = |row: &JoinedRow<'_>| {
        if let Some(files) = files.as_deref_mut() {
            files.begin(row)?;
        }
        if chooser.choose(row)
            && let Some(files) = files.as_deref_mut()
        {
            files.write(row)?;
        }
        Ok(())
    };
    for_each_row(ledger, root, lists.list, with).await?;
    chooser.check_key()?;
    match lists.mend {
        None => Ok(()),
        Some(mend) => choose_mended(root, mend, chooser, files).await,
    }
}

/// Takes the next number of the family by compare-and-swap on the first run's record.
async fn take_number(ledger: &Ledger, root: &str) -> anyhow::Result<usize> {
    let id = draw_id();
    let number = mark(ledger, root, id).await?;
    let number = number.ok_or_else(|| InputError(format!("the record of `{root}` is gone")))?;
    // An earlier resend may be on the new list too, as far as it is closed: so it can't be fired
    // or redriven again either.
    let keys = RunKeys::new(root);
    for earlier in 1..number {
        let claim = family::read_claim(ledger, &keys.resend(earlier)).await?;
        if let Some(run) = claim.and_then(|claim| claim.run) {
            mark(ledger, &run, id).await?;
        }
    }
    Ok(number)
}

/// Writes into a run's record that it is resent, and gives how often; `None` where it has none.
async fn mark(ledger: &Ledger, run: &str, id: Uuid) -> anyhow::Result<Option<usize>> {
    let (key, mut number) = (RunKeys::new(run).record(), None);
    let marked = ledger.store.update(&key, |json| {
        let Some(json) = json else {
            return Ok(None);
        };
        let mut record = RunRecord::decode(json)?;
        number = Some(record.take_resend(id));
        Ok::<_, ObjectError>(Some(record.encode()))
    });
    marked.await.map_err(unusable)?;
    Ok(number)
}

/// Writes down who is in the resend, before anything of it is handed over.
async fn put_claim(
    ledger: &Ledger,
    run: &str,
    number: usize,
    claim: &ResendClaim,
) -> anyhow::Result<()> {
    let key = RunKeys::new(run).resend(number);
    match ledger
        .store
        .put(&key, claim.encode(), &Expect::Absent)
        .await
    {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict(_)) => {
            let problem = "this took so long that another operator's resend went on without it: \
                           run the command again";
            Err(InputError(problem.into()).into())
        }
        Err(error) => Err(unusable(error)),
    }
}

/// Who is chosen and who is left out, before the question.
fn explain(run: &str, counts: &ChoiceCounts, json: bool) {
    if json {
        return;
    }
    for (word, number) in &counts.chosen {
        print::note(format_args!("{run}: {} {word}", people(*number)));
    }
    if counts.perhaps > 0 {
        print::note(format_args!(
            "{run}: {} left out: LINE may have accepted it. --may-double sends to them, and some \
             may get it twice",
            people(counts.perhaps)
        ));
    }
    if counts.mended_known > 0 {
        let number = people(counts.mended_known);
        print::note(format_args!(
            "{run}: {number} in mended rows left out: another row of the run or a resend has them"
        ));
    }
    if counts.held > 0 {
        let number = people(counts.held);
        print::note(format_args!(
            "{run}: {number} left out: in a resend that is not closed"
        ));
    }
}

fn question(run: &str, counts: &ChoiceCounts) -> String {
    let doubles = match counts.may_double {
        0 => String::new(),
        number => format!(", {} of whom may get it twice", people(number)),
    };
    let number = people(counts.people());
    format!("this makes a campaign that resends `{run}` to {number}{doubles}")
}

fn report(
    run: &str,
    files: Option<&Written>,
    counts: &ChoiceCounts,
    json: bool,
) -> anyhow::Result<()> {
    if json {
        return print::json(&ResendReport {
            run,
            resend: files.map(|files| files.id.as_str()),
            campaign: files.map(|files| files.campaign.display().to_string()),
            people: files.map_or(0, |_| counts.people()),
            may_double: counts.may_double,
            left_out_perhaps_taken: counts.perhaps,
            left_out_in_another_resend: counts.held,
            left_out_mended: counts.mended_known,
        });
    }
    let Some(files) = files else {
        return Ok(print::line(format_args!(
            "{run}: there is nobody to resend to"
        ))?);
    };
    let (number, campaign) = (people(counts.people()), files.campaign.display());
    print::line(format_args!("{}: {number}, {campaign}", files.id))?;
    print::line("Check it and send it as any other campaign")?;
    Ok(())
}
