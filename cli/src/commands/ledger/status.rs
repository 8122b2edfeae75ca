//! `fanline status`: how far a run is.

pub(super) mod details;
mod family;
mod history;
pub(super) mod known;
pub(super) mod stats;
pub(super) mod text;

use std::time::Duration;

use console::Term;
use fanline_ledger::RunRecord;
use jiff::Timestamp;

use crate::commands::ledger::find_run::{find_root, find_run};
use crate::commands::ledger::place::Ledger;
use family::KnownFamily;
use known::{KnownRun, RowSum};

use crate::args::StatusArgs;
use crate::exit::CommandEnd;
use crate::print;

/// With --watch the status is read again after this time.
const INTERVAL: Duration = Duration::from_secs(2);

/// Prints the status of a run, once or until nothing more happens.
pub(super) async fn execute(args: &StatusArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    if args.family {
        return tell_family(&ledger, record, args.json).await;
    }
    let run = if args.watch {
        watch(&ledger, &record, args.json).await?
    } else {
        let run = KnownRun::read(&ledger, &record).await?;
        if args.json {
            print::json(&run)?;
        } else {
            print::line(text::text(&run, Timestamp::now()).trim_end())?;
        }
        run
    };
    Ok(end(&run.rows))
}

fn end(rows: &RowSum) -> CommandEnd {
    if rows.all_accepted() {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    }
}

/// Prints the status of a run and its resends together.
async fn tell_family(ledger: &Ledger, named: RunRecord, json: bool) -> anyhow::Result<CommandEnd> {
    let root = find_root(ledger, named).await?;
    let family = KnownFamily::read(ledger, root).await?;
    if json {
        print::json(&family)?;
    } else {
        print::line(family.text().trim_end())?;
    }
    Ok(end(&family.rows))
}

/// Prints the status every two seconds until nothing more happens: on a terminal in the same
/// place, else a line each time.
async fn watch(ledger: &Ledger, record: &RunRecord, json: bool) -> anyhow::Result<KnownRun> {
    let terminal = Term::stdout();
    let mut lines = 0;
    loop {
        let run = KnownRun::read(ledger, record).await?;
        let now = Timestamp::now();
        if json {
            print::line(serde_json::to_string(&run)?)?;
        } else if terminal.is_term() {
            let text = text::text(&run, now);
            terminal.clear_last_lines(lines)?;
            print::line(text.trim_end())?;
            lines = text.trim_end().lines().count();
        } else {
            print::line(text::line(&run, now))?;
        }
        if run.is_over() {
            return Ok(run);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
