//! `fanline export`: the list of a run with what became of each row.
//!
//! - `not_reached`: the file that a run on this machine leaves
//! - `file`, `lines`: how files and rows are written

pub(super) mod file;
pub(super) mod lines;
pub(crate) mod not_reached;

use std::collections::HashSet;

use fanline_core::channel::Channel;
use fanline_ledger::{RunKeys, RunRecord};
use fanline_telemetry::fingerprint::Fingerprint;
use indicatif::HumanCount;

use crate::args::{ExportArgs, RowOutcome};
use crate::commands::ledger::find_run::{find_root, find_run};
use crate::commands::ledger::people::family::FamilyFates;
use crate::commands::ledger::people::joined::{JoinedRow, for_each_row};
use crate::commands::ledger::people::key::{RunKey, channel};
use crate::commands::ledger::people::settled::Endings;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::words::count;
use crate::exit::CommandEnd;
use crate::print;
use file::{ExportFile, Format};
use lines::{push_csv, push_head, push_json};

/// The columns behind those of the list.
const COLUMNS: [&str; 5] = ["outcome", "reason", "status", "request_id", "time"];
/// The same for a run and its resends.
const FAMILY_COLUMNS: [&str; 6] = ["outcome", "reason", "status", "request_id", "time", "run"];

/// What became of rows, and how: of one run, or of a run and its resends.
struct Exported {
    family: FamilyFates,
    /// How deliveries came to their ends, by the number of the run.
    endings: Vec<Endings>,
    is_family: bool,
}

impl Exported {
    async fn read(ledger: &Ledger, named: RunRecord, is_family: bool) -> anyhow::Result<Self> {
        let family = if is_family {
            let root = find_root(ledger, named).await?;
            FamilyFates::read(ledger, root).await?
        } else {
            FamilyFates::alone(named)
        };
        let mut endings = Vec::new();
        for record in family.runs() {
            let keys = RunKeys::new(&record.run);
            endings.push(Endings::read(ledger, &keys, |_| true).await?);
        }
        Ok(Self {
            family,
            endings,
            is_family,
        })
    }

    fn columns(&self) -> &'static [&'static str] {
        if self.is_family {
            &FAMILY_COLUMNS
        } else {
            &COLUMNS
        }
    }

    /// The outcome of a row, and the values behind those of the list.
    fn of(&self, row: &JoinedRow<'_>, person: Option<Fingerprint>) -> (RowOutcome, Vec<String>) {
        let (run, fate) = self.family.best(person, row.fate);
        let endings = self.endings.get(run);
        let ending = fate.place.zip(fate.cell).zip(endings);
        let ending = ending.and_then(|((place, cell), endings)| endings.of(place, cell));
        let (request_id, time) = ending.map_or((None, None), |one| (one.request_id, one.time));
        let reason = fate.cell.and_then(|cell| cell.reason().as_str());
        let status = fate.cell.and_then(fanline_ledger::Cell::status);
        let mut values = vec![
            fate.outcome.as_str().to_owned(),
            reason.unwrap_or_default().to_owned(),
            status.map(|status| status.to_string()).unwrap_or_default(),
            request_id.unwrap_or_default(),
            time.map(|time| time.to_string()).unwrap_or_default(),
        ];
        if self.is_family {
            values.extend(self.family.runs().nth(run).map(|record| record.run.clone()));
        }
        (fate.outcome, values)
    }
}

/// Writes the file.
pub(super) async fn execute(args: &ExportArgs) -> anyhow::Result<CommandEnd> {
    let mut file = ExportFile::create("--out", &args.out)?;
    let ledger = Ledger::open(&args.run.ledger).await?;
    let named = find_run(&ledger, &args.run.run).await?;
    let exported = Exported::read(&ledger, named, args.family).await?;
    let record = &exported.family.root;
    let people = People::of(record);
    let (mut rows, mut written, mut without_roll) = (0, 0, HashSet::new());
    let mut line = String::new();
    let each = for_each_row(&ledger, record, args.list.as_deref(), |row| {
        rows += 1;
        if rows == 1 {
            line.clear();
            if file.format() == Format::Csv {
                push_head(&mut line, row, &[], exported.columns())?;
            }
            file.write(&line)?;
        }
        let person = row.fate.fingerprint.or_else(|| {
            let own = people.of_row(row).filter(|_| exported.is_family);
            // A person in several rows that no producer has read is in a resend once.
            own.filter(|person| without_roll.insert(*person))
        });
        let (outcome, more) = exported.of(row, person);
        if !args.only.is_empty() && !args.only.contains(&outcome) {
            return Ok(());
        }
        written += 1;
        line.clear();
        match file.format() {
            Format::Csv => push_csv(&mut line, row, &[], &more),
            Format::Ndjson => push_json(&mut line, row, exported.columns(), &more),
        }
        file.write(&line)
    });
    each.await?;
    if !without_roll.is_empty() {
        exported.family.check_key(&people.key)?;
    }
    file.finish()?;
    print::line(format_args!(
        "{}: {} of {}",
        args.out.display(),
        HumanCount(written),
        count(rows, "row", "rows")
    ))?;
    Ok(CommandEnd::Complete)
}

/// Tells whose row it is, where no roll does.
struct People {
    key: RunKey,
    channel: Channel,
}

impl People {
    fn of(record: &RunRecord) -> Self {
        Self {
            key: RunKey::of(record),
            channel: channel(record),
        }
    }

    fn of_row(&self, row: &JoinedRow<'_>) -> Option<Fingerprint> {
        let values = row.values.as_ref()?;
        let text = values.text(self.channel.recipient_column())?;
        self.key.fingerprint(self.channel, text)
    }
}
