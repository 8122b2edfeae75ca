//! The result of a check, for people and as JSON.

use std::collections::BTreeMap;
use std::io;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::list::{Place, RowError};
use fanline_producer::{Preview, Sample};
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::Value;

use super::shown;
use crate::print;
use crate::print::list_rows::ListRows;
use crate::print::words::count;

/// A row that can't be sent, as `--json` prints it.
#[derive(Clone, Serialize)]
pub(crate) struct BadRow {
    pub(super) row: u64,
    line: u64,
    column: String,
    pub(super) reason: String,
}

/// A row that is shown, as `--json` prints it.
#[derive(Serialize)]
struct ShownRow {
    row: u64,
    line: u64,
    reason: String,
    messages: Value,
}

impl ShownRow {
    fn new(sample: &Sample) -> serde_json::Result<Self> {
        Ok(Self {
            row: sample.place.row,
            line: sample.place.line,
            reason: shown::reason(&sample.reason),
            messages: serde_json::from_str(&sample.messages)?,
        })
    }
}

impl BadRow {
    /// Whether it is the row with this number.
    pub(crate) fn is_row(&self, row: u64) -> bool {
        self.row == row
    }

    pub(super) fn new(place: Place, error: &RowError) -> Self {
        Self {
            row: place.row,
            line: place.line,
            column: error.column().into(),
            reason: error.to_string(),
        }
    }
}

/// The result of a check, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct CheckReport {
    campaign: String,
    #[serde(flatten)]
    pub(super) list: ListRows,
    /// Whether so many rows can't be sent that a run sends nothing.
    pub(super) sends_nothing: bool,
    /// The first rows that can't be sent, as many as `--show` says.
    bad_rows: Vec<BadRow>,
    /// What LINE may refuse, although no rule that it documents says so.
    warnings: Vec<String>,
    /// How many rows have nothing in a column that the messages use, by column.
    empty_values: BTreeMap<String, u64>,
    /// Rows to look at, with their messages.
    shown: Vec<ShownRow>,
}

impl CheckReport {
    pub(super) fn new(
        campaign: &Campaign,
        preview: &Preview,
        bad_rows: Vec<BadRow>,
    ) -> serde_json::Result<Self> {
        let checked = preview.checked;
        let empty = preview.samples.empty_values();
        let warnings = campaign.messages.warnings().iter();
        let allows = campaign.max_bad_rows.allows(checked.rejected, checked.rows);
        Ok(Self {
            campaign: campaign.id.clone(),
            list: checked.into(),
            sends_nothing: !allows,
            bad_rows,
            warnings: warnings.map(ToString::to_string).collect(),
            empty_values: empty.map(|of| (of.column.clone(), of.rows)).collect(),
            shown: preview
                .samples
                .iter()
                .map(ShownRow::new)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Prints the result for people.
    pub(super) fn print(&self, campaign: &Campaign) -> io::Result<()> {
        let list = match &campaign.recipients {
            Recipients::Path(path) => path.clone(),
            Recipients::S3(object) => object.to_string(),
            Recipients::Inline(_) => "recipients".into(),
        };
        for warning in &self.warnings {
            print::line(format_args!("warning: {warning}"))?;
        }
        for bad in &self.bad_rows {
            print::line(format_args!(
                "{list}:{}: row {}: {}",
                bad.line, bad.row, bad.reason
            ))?;
        }
        let shown = self.bad_rows.len() as u64;
        if self.list.rejected > shown {
            print::line(format_args!(
                "… and {} more (--show N)",
                HumanCount(self.list.rejected - shown)
            ))?;
        }
        print::line(format_args!("{}: {}", self.campaign, self.list))?;
        for (column, rows) in &self.empty_values {
            print::line(format_args!(
                "`{column}` is empty in {}",
                count(*rows, "row", "rows")
            ))?;
        }
        for row in &self.shown {
            print::line(format_args!(
                "\nrow {}, {}:",
                HumanCount(row.row),
                row.reason
            ))?;
            for line in shown::lines(&row.messages) {
                print::line(format_args!("  {line}"))?;
            }
        }
        if self.sends_nothing {
            print::line(
                "More rows can't be sent than `max_bad_rows` allows: a run would send nothing.",
            )?;
        }
        Ok(())
    }
}
