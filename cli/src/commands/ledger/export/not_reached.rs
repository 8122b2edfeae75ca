//! The file of everybody whom a run on this machine did not reach.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fanline_core::campaign::Recipients;
use fanline_core::list::Format as ListFormat;

use crate::args::{RowOutcome, RunArgs};
use crate::campaign_file::CampaignFile;
use crate::commands::ledger::export::file::{ExportFile, Format};
use crate::commands::ledger::export::lines::{push_csv, push_head, push_json};
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::people::joined::{JoinedRow, for_each_row};
use crate::commands::ledger::place::Ledger;
use crate::exit::InputError;

const FLAG: &str = "--not-reached";
/// The column in front of the list's, and those behind them.
const ROW: &str = "row";
const BEHIND: [&str; 2] = ["outcome", "reason"];
const ALL: [&str; 3] = [ROW, "outcome", "reason"];
/// The first line of a file of ours ends within so many bytes, or it is taken for another's.
const MAX_HEAD: u64 = 1 << 20;

/// Where the file will be, if somebody is not reached.
pub(crate) enum NotReached {
    /// At this path. What is there stays until the file is whole.
    Named(PathBuf, ExportFile),
    /// In this folder beside the list.
    Beside(PathBuf),
    /// Nobody asked for it.
    Nowhere,
}

impl NotReached {
    /// The place that the flags ask for. A wrong path must be known before the first message.
    ///
    /// A live run to a list in a file has its file without a flag. A test and a rehearsal reach
    /// nobody, so they have it only where the flag names it.
    pub(crate) fn new(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<Self> {
        let Some(path) = &args.not_reached else {
            let is_for_people = args.live && args.test_to.is_empty();
            return Ok(match &file.campaign.recipients {
                Recipients::Path(list) if is_for_people && Path::new(list).is_file() => {
                    let folder = PathBuf::from(format!("{list}.rejects"));
                    Self::Beside(folder.join(file.campaign.run()))
                }
                _ => Self::Nowhere,
            });
        };
        let wrong = |problem: &str| InputError(format!("{FLAG}: {}: {problem}", path.display()));
        if let Some(problem) = problem_of(path, args, file) {
            return Err(wrong(&problem).into());
        }
        let out = ExportFile::create(FLAG, path)?;
        if out.format() == Format::Csv && is_ndjson(&file.campaign.recipients) {
            let problem = "the list is NDJSON, and each row can have other columns: write .ndjson";
            return Err(wrong(problem).into());
        }
        Ok(Self::Named(path.clone(), out))
    }

    /// Writes the file, out of the ledger in this folder. Returns where it is; `None` where nobody
    /// is in it. Then a file of an earlier run of the same campaign is removed.
    pub(crate) async fn write(self, ledger: &Path, run: &str) -> anyhow::Result<Option<PathBuf>> {
        let mut writing = match self {
            Self::Nowhere => return Ok(None),
            Self::Named(path, out) => Writing::at(path, Some(out)),
            Self::Beside(folder) => Writing::at(folder, None),
        };
        let ledger = Ledger::in_folder(ledger);
        // Without a record nothing began.
        if let Some(record) = read_record(&ledger.store, run).await? {
            for_each_row(&ledger, &record, None, |row| writing.take(row)).await?;
        }
        writing.finish()
    }
}

/// Why the file can't be at this path.
fn problem_of(path: &Path, args: &RunArgs, file: &CampaignFile) -> Option<String> {
    let real = fs::canonicalize(path).ok();
    let is_input = |input: &&Path| real.is_some() && fs::canonicalize(input).ok() == real;
    if file.inputs(&args.campaign).iter().any(is_input) {
        return Some("it is read by this command".into());
    }
    if matches!(&file.campaign.recipients, Recipients::Inline(_)) {
        let problem = "the rows stand in the campaign: put them into a list of their own";
        return Some(problem.into());
    }
    match is_ours(path) {
        Ok(true) => None,
        Ok(false) => Some("this file is there already, and it is no such file of fanline's".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(error.to_string()),
    }
}

fn is_ndjson(recipients: &Recipients) -> bool {
    let format = match recipients {
        Recipients::Path(list) => ListFormat::of(list),
        Recipients::S3(list) => ListFormat::of(&list.key),
        Recipients::Inline(_) => None,
    };
    format == Some(ListFormat::Ndjson)
}

/// The file while its rows come.
struct Writing {
    /// The file, or its folder as long as it is not begun.
    path: PathBuf,
    out: Option<ExportFile>,
    is_named: bool,
    people: u64,
    line: String,
}

impl Writing {
    fn at(path: PathBuf, out: Option<ExportFile>) -> Self {
        Self {
            path,
            is_named: out.is_some(),
            out,
            people: 0,
            line: String::new(),
        }
    }

    /// Writes a row whose person did not get the message. A duplicate's person stands in an
    /// earlier row.
    fn take(&mut self, row: &JoinedRow<'_>) -> anyhow::Result<()> {
        let outcome = row.fate.outcome;
        if matches!(outcome, RowOutcome::Accepted | RowOutcome::Duplicate) {
            return Ok(());
        }
        let out = if let Some(out) = &mut self.out {
            out
        } else {
            let ending = if row.header.is_some() {
                "csv"
            } else {
                "ndjson"
            };
            fs::create_dir_all(&self.path)
                .with_context(|| format!("creating {}", self.path.display()))?;
            self.path = beside(&self.path, ending);
            self.out.insert(ExportFile::create(FLAG, &self.path)?)
        };
        let reason = row.fate.cell.and_then(|cell| cell.reason().as_str());
        let number = row.row.to_string();
        let outcome = outcome.as_str().to_owned();
        let reason = reason.unwrap_or_default().to_owned();
        self.line.clear();
        match out.format() {
            Format::Csv => {
                if self.people == 0 {
                    push_head(&mut self.line, row, &[ROW], &BEHIND)?;
                }
                push_csv(&mut self.line, row, &[number], &[outcome, reason]);
            }
            Format::Ndjson => push_json(&mut self.line, row, &ALL, &[number, outcome, reason]),
        }
        self.people += 1;
        out.write(&self.line)
    }

    fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        let old = if self.is_named || self.people > 0 {
            vec![self.path.clone()]
        } else {
            ["csv", "ndjson"]
                .map(|ending| beside(&self.path, ending))
                .to_vec()
        };
        for old in old {
            match is_ours(&old) {
                Ok(true) if self.people == 0 => fs::remove_file(&old)?,
                Ok(false) => anyhow::bail!("{}: this is another file", old.display()),
                _ => {}
            }
        }
        match self.out {
            Some(out) if self.people > 0 => out.finish().map(|()| Some(self.path)),
            _ => Ok(None),
        }
    }
}

/// The file in this folder beside the list.
fn beside(folder: &Path, ending: &str) -> PathBuf {
    folder.join(format!("not-reached.{ending}"))
}

/// Whether a file is one of these, or empty.
fn is_ours(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut line = Vec::new();
    let head = File::open(path)?.take(MAX_HEAD);
    BufReader::new(head).read_until(b'\n', &mut line)?;
    Ok(line.is_empty() || std::str::from_utf8(&line).is_ok_and(|line| is_head(line.trim_end())))
}

/// Whether the first line of a file is such as ours begin with.
fn is_head(line: &str) -> bool {
    if line.starts_with('{') {
        return line.contains("row\":\"") && line.contains("outcome\":\"");
    }
    let mut columns = line.split(',');
    let front = columns.next().is_some_and(|column| column.ends_with(ROW));
    let mut behind = BEHIND.iter().rev();
    let mut columns = columns.rev();
    front && behind.all(|own| columns.next().is_some_and(|column| column.ends_with(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ours_is_known_by_its_first_line() {
        for (line, is_one) in [
            ("row,to,name,outcome,reason", true),
            ("fanline_row,row,to,outcome,fanline_outcome,reason", true),
            (r#"{"to":"U1","row":"1","outcome":"refused"}"#, true),
            ("to,name", false),
            ("row,to,name", false),
            ("to,name,outcome,reason", false),
            (r#"{"to":"U1","name":"a"}"#, false),
            ("outcome,reason", false),
        ] {
            assert_eq!(is_head(line), is_one, "{line}");
        }
    }
}
