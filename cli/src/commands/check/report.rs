//! The result of a check, for people and as JSON.

use std::io;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::list::{Place, RowError};
use fanline_producer::Checked;
use indicatif::HumanCount;
use serde::Serialize;

use crate::print;

/// A row that can't be sent, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct BadRow {
    row: u64,
    line: u64,
    column: String,
    reason: String,
}

impl BadRow {
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
    rows: u64,
    recipients: u64,
    pub(super) rejected: u64,
    duplicates: u64,
    /// Whether so many rows can't be sent that a run sends nothing.
    sends_nothing: bool,
    /// The first rows that can't be sent, as many as `--show` says.
    bad_rows: Vec<BadRow>,
    /// What LINE may refuse, although no rule that it documents says so.
    warnings: Vec<String>,
}

impl CheckReport {
    pub(super) fn new(campaign: &Campaign, checked: Checked, bad_rows: Vec<BadRow>) -> Self {
        let warnings = campaign.messages.warnings().iter();
        let allows = campaign.max_bad_rows.allows(checked.rejected, checked.rows);
        Self {
            campaign: campaign.id.clone(),
            rows: checked.rows,
            recipients: checked.recipients(),
            rejected: checked.rejected,
            duplicates: checked.duplicates,
            sends_nothing: !allows,
            bad_rows,
            warnings: warnings.map(ToString::to_string).collect(),
        }
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
        if self.rejected > shown {
            print::line(format_args!(
                "… and {} more (--show N)",
                HumanCount(self.rejected - shown)
            ))?;
        }
        print::line(format_args!(
            "{}: {} rows = {} recipients + {} that can't be sent + {} duplicates",
            self.campaign,
            HumanCount(self.rows),
            HumanCount(self.recipients),
            HumanCount(self.rejected),
            HumanCount(self.duplicates)
        ))?;
        if self.sends_nothing {
            print::line(
                "More rows can't be sent than `max_bad_rows` allows: a run would send nothing.",
            )?;
        }
        Ok(())
    }
}
