//! `fanline export`: the list of a run with what became of each row.

pub(super) mod file;
pub(super) mod lines;

use fanline_core::list::Row;
use fanline_ledger::RunKeys;
use indicatif::HumanCount;

use crate::args::ExportArgs;
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::people::joined::{Fate, JoinedRow, for_each_row};
use crate::commands::ledger::people::settled::{Ending, Endings};
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::words::count;
use crate::exit::{CommandEnd, InputError};
use crate::print;
use file::{ExportFile, Format};
use lines::{push_columns, push_field, push_fields};

/// The columns behind those of the list.
const COLUMNS: [&str; 5] = ["outcome", "reason", "status", "request_id", "time"];

/// Writes the file.
pub(super) async fn execute(args: &ExportArgs) -> anyhow::Result<CommandEnd> {
    let mut file = ExportFile::create(&args.out)?;
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
            push_head(&mut line, row, file.format())?;
            file.write(&line)?;
        }
        if !is_wanted {
            return Ok(());
        }
        written += 1;
        line.clear();
        let more = values(row.fate, &endings);
        match file.format() {
            Format::Csv => push_csv(&mut line, row, &more),
            Format::Ndjson => push_json(&mut line, row, &more),
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

/// The first line of a CSV file.
fn push_head(line: &mut String, row: &JoinedRow<'_>, format: Format) -> Result<(), InputError> {
    if format == Format::Ndjson {
        return Ok(());
    }
    let header = row.header.ok_or_else(|| {
        InputError("the list is NDJSON, and each row can have other columns: write .ndjson".into())
    })?;
    push_columns(line, header);
    line.push(',');
    let own = COLUMNS.map(|column| own_name(column, |name| header.has(name)));
    line.push_str(&own.join(","));
    line.push('\n');
    Ok(())
}

/// The name of a column of ours that the list does not have.
fn own_name(column: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = column.to_owned();
    while is_taken(&name) {
        name.insert_str(0, "fanline_");
    }
    name
}

fn push_csv(line: &mut String, row: &JoinedRow<'_>, more: &[String; 5]) {
    push_fields(line, row);
    for value in more {
        line.push(',');
        push_field(line, value);
    }
    line.push('\n');
}

fn push_json(line: &mut String, row: &JoinedRow<'_>, more: &[String; 5]) {
    let values = row.values.as_ref();
    let object = values.map_or_else(|| "{}".to_owned(), Row::to_json);
    line.push_str(object.strip_suffix('}').unwrap_or(&object));
    for (column, value) in COLUMNS.iter().zip(more) {
        if value.is_empty() {
            continue;
        }
        let name = own_name(column, |name| {
            values.is_some_and(|row| row.value(name).is_some())
        });
        if !line.ends_with('{') {
            line.push(',');
        }
        for part in ["\"", &name, "\":"] {
            line.push_str(part);
        }
        line.push_str(&serde_json::Value::from(value.as_str()).to_string());
    }
    line.push_str("}\n");
}
