//! `fanline export`: the list of a run with what became of each row.
//!
//! - `not_reached`: the file that a run on this machine leaves
//! - `file`, `lines`: how files and rows are written

pub(super) mod file;
pub(super) mod lines;
pub(crate) mod not_reached;

use fanline_ledger::RunKeys;
use indicatif::HumanCount;

use crate::args::ExportArgs;
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::people::joined::{Fate, for_each_row};
use crate::commands::ledger::people::settled::{Ending, Endings};
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::words::count;
use crate::exit::CommandEnd;
use crate::print;
use file::{ExportFile, Format};
use lines::{push_csv, push_head, push_json};

/// The columns behind those of the list.
const COLUMNS: [&str; 5] = ["outcome", "reason", "status", "request_id", "time"];

/// Writes the file.
pub(super) async fn execute(args: &ExportArgs) -> anyhow::Result<CommandEnd> {
    let mut file = ExportFile::create("--out", &args.out)?;
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    let endings = Endings::read(&ledger, &RunKeys::new(&record.run), |_| true).await?;
    let (mut rows, mut written) = (0, 0);
    let mut line = String::new();
    let each = for_each_row(&ledger, &record, args.list.as_deref(), |row| {
        rows += 1;
        let is_wanted = args.only.is_empty() || args.only.contains(&row.fate.outcome);
        if rows == 1 {
            line.clear();
            if file.format() == Format::Csv {
                push_head(&mut line, row, &[], &COLUMNS)?;
            }
            file.write(&line)?;
        }
        if !is_wanted {
            return Ok(());
        }
        written += 1;
        line.clear();
        let more = values(row.fate, &endings);
        match file.format() {
            Format::Csv => push_csv(&mut line, row, &[], &more),
            Format::Ndjson => push_json(&mut line, row, &COLUMNS, &more),
        }
        file.write(&line)
    });
    each.await?;
    file.finish()?;
    print::line(format_args!(
        "{}: {} of {}",
        args.out.display(),
        HumanCount(written),
        count(rows, "row", "rows")
    ))?;
    Ok(CommandEnd::Complete)
}

/// The values behind those of the list.
fn values(fate: Fate, endings: &Endings) -> [String; 5] {
    let ending = fate.place.zip(fate.cell);
    let ending = ending.and_then(|(place, cell)| endings.of(place, cell));
    let reason = fate.cell.and_then(|cell| cell.reason().as_str());
    let status = fate.cell.and_then(fanline_ledger::Cell::status);
    [
        fate.outcome.as_str().to_owned(),
        reason.unwrap_or_default().to_owned(),
        status.map(|status| status.to_string()).unwrap_or_default(),
        ending.and_then(Ending::request_id).unwrap_or_default(),
        ending
            .and_then(Ending::time)
            .map(|time| time.to_string())
            .unwrap_or_default(),
    ]
}
