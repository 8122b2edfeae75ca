//! `fanline runs`: the runs of a ledger.

use fanline_ledger::RunRecord;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::HumanCount;
use jiff::Timestamp;

use crate::args::RunsArgs;
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::status::known::{KnownRun, read_known_control};
use crate::commands::ledger::status::text::state_word;
use crate::commands::ledger::words::{percent, time};
use crate::exit::CommandEnd;
use crate::print;

/// So many runs are read at the same time.
const READS: usize = 16;

/// The newest runs of a ledger.
pub(super) struct NewestRuns {
    /// The newest first.
    pub(super) runs: Vec<KnownRun>,
    /// How many older ones there are.
    pub(super) older: usize,
    /// Why control can't be read, if it can't.
    pub(super) control_problem: Option<String>,
}

/// Lists the newest runs.
pub(super) async fn execute(args: &RunsArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.ledger).await?;
    let names = ledger.run_names().await?;
    let newest = newest(&ledger, names, args.limit).await?;
    if args.json {
        print::json(&newest.runs)?;
        return Ok(CommandEnd::Complete);
    }
    print_table(&newest.runs)?;
    if newest.older > 0 {
        print::note(format_args!(
            "{} older runs: --limit lists more",
            newest.older
        ));
    }
    if let Some(problem) = newest.control_problem {
        print::note(format_args!("the control object can't be read: {problem}"));
    }
    Ok(CommandEnd::Complete)
}

/// Reads the newest of these runs.
pub(super) async fn newest(
    ledger: &Ledger,
    names: Vec<String>,
    limit: usize,
) -> anyhow::Result<NewestRuns> {
    let records = stream::iter(names).map(async |run| read_record(&ledger.store, &run).await);
    let records: Vec<_> = records.buffered(READS).try_collect().await?;
    let mut records: Vec<RunRecord> = records.into_iter().flatten().collect();
    records.sort_by(|one, other| {
        let newest = other.started_at.cmp(&one.started_at);
        newest.then_with(|| one.run.cmp(&other.run))
    });
    let older = records.len().saturating_sub(limit);
    records.truncate(limit);
    let control = read_known_control(ledger).await?;
    let runs = stream::iter(&records).map(async |record| {
        let run = KnownRun::read_with(ledger, record).await?;
        anyhow::Ok(run.tell(&control, Timestamp::now()))
    });
    let runs = runs.buffered(READS).try_collect().await?;
    Ok(NewestRuns {
        runs,
        older,
        control_problem: control.err(),
    })
}

fn print_table(runs: &[KnownRun]) -> std::io::Result<()> {
    let width = runs
        .iter()
        .map(|run| run.run.len())
        .max()
        .unwrap_or(0)
        .max(3);
    print::line(format_args!(
        "{:<width$}  {:<14}  {:<20}  {:>11}  {:>9}  {:>11}  {:>11}",
        "RUN", "STATE", "BEGAN", "ROWS", "ACCEPTED", "WAITING", "GOT NOTHING"
    ))?;
    for run in runs {
        let rows = &run.rows;
        print::line(format_args!(
            "{:<width$}  {:<14}  {:<20}  {:>11}  {:>9}  {:>11}  {:>11}",
            run.run,
            state_word(run),
            time(run.started_at),
            HumanCount(rows.rows).to_string(),
            percent(rows.accepted, rows.rows),
            HumanCount(rows.open()).to_string(),
            HumanCount(rows.without()).to_string()
        ))?;
    }
    Ok(())
}
