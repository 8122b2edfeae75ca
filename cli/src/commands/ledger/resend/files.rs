//! The files of a resend: its campaign, and the list beside it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fanline_core::list::Row;
use fanline_ledger::RunRecord;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::ledger::export::file::{ExportFile, Format};
use crate::commands::ledger::export::lines::{push_columns, push_fields};
use crate::commands::ledger::people::joined::JoinedRow;
use crate::exit::InputError;

/// What a campaign's id may have at most.
const MAX_ID: usize = 64;
/// Fields of the campaign that are of its first sending, or say how the first list is written.
const DROPPED: [&str; 7] = [
    "canary",
    "deliver_at",
    "encoding",
    "format",
    "scheduled_time",
    "sheet",
    "skip_deliveries",
];

/// The files, until they are whole.
pub(super) struct ResendFiles {
    id: String,
    folder: PathBuf,
    /// Begun with the first row, which says how the list is written.
    list: Option<(ExportFile, &'static str)>,
    line: String,
}

/// The files as they are.
pub(in crate::commands::ledger) struct Written {
    pub(in crate::commands::ledger) id: String,
    pub(in crate::commands::ledger) campaign: PathBuf,
}

impl ResendFiles {
    /// Begins the files of the resend with this number, in a folder that is not there yet.
    pub(super) fn create(
        root: &RunRecord,
        number: usize,
        folder: Option<&Path>,
    ) -> Result<Self, InputError> {
        let id = resend_id(&root.run, number)?;
        let folder = folder.map_or_else(|| PathBuf::from(&id), Path::to_owned);
        let created = std::fs::create_dir_all(&folder);
        created.map_err(|error| InputError(format!("--out: {}: {error}", folder.display())))?;
        Ok(Self {
            id,
            folder,
            list: None,
            line: String::new(),
        })
    }

    /// The id of the campaign, which is the name of its run.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Begins the list with its columns, at the first row.
    pub(super) fn begin(&mut self, row: &JoinedRow<'_>) -> anyhow::Result<()> {
        if self.list.is_some() {
            return Ok(());
        }
        let name = if row.header.is_some() {
            "list.csv"
        } else {
            "list.ndjson"
        };
        let mut file = ExportFile::create("--out", &self.folder.join(name))?;
        if let Some(header) = row.header {
            self.line.clear();
            push_columns(&mut self.line, header);
            self.line.push('\n');
            file.write(&self.line)?;
        }
        self.list = Some((file, name));
        Ok(())
    }

    /// Writes a row into the list.
    pub(super) fn write(&mut self, row: &JoinedRow<'_>) -> anyhow::Result<()> {
        let Some((file, _)) = &mut self.list else {
            return Ok(());
        };
        self.line.clear();
        match file.format() {
            Format::Csv => push_fields(&mut self.line, row),
            Format::Ndjson => {
                let json = row.values.as_ref().map(Row::to_json);
                self.line.push_str(&json.unwrap_or_default());
            }
        }
        self.line.push('\n');
        file.write(&self.line)
    }

    /// The list and the campaign get their names. `lane_is_gone`: the stack takes nothing urgent,
    /// so the campaign is not urgent either.
    pub(super) fn finish(self, root: &RunRecord, lane_is_gone: bool) -> anyhow::Result<Written> {
        let Some((file, name)) = self.list else {
            return Err(InputError("the list has no rows".into()).into());
        };
        file.finish()?;
        let mut campaign = campaign(root, &self.id, name);
        if lane_is_gone && let Some(fields) = campaign.as_object_mut() {
            fields.remove("lane");
        }
        let path = self.folder.join("campaign.json");
        let text = serde_json::to_string_pretty(&campaign)?;
        std::fs::write(&path, text + "\n")
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(Written {
            id: self.id,
            campaign: path,
        })
    }
}

/// The campaign of a resend: what the run sent, to the list beside it.
fn campaign(root: &RunRecord, id: &str, list: &str) -> Value {
    let mut campaign = root.campaign.clone();
    let Some(fields) = campaign.as_object_mut() else {
        return campaign;
    };
    fields.retain(|field, _| !DROPPED.contains(&field.as_str()));
    let expires_at = fields.get("expires_at").and_then(Value::as_str);
    let expires_at: Option<Timestamp> = expires_at.and_then(|time| time.parse().ok());
    if expires_at.is_some_and(|expires_at| expires_at <= Timestamp::now()) {
        fields.remove("expires_at");
    }
    fields.insert("campaign".into(), id.into());
    fields.insert("recipients".into(), list.into());
    fields.insert("resend_of".into(), json!(root.run));
    campaign
}

/// The id of a resend: the run's name, with `-` for what an id can't have, and its number.
pub(in crate::commands::ledger) fn resend_id(
    run: &str,
    number: usize,
) -> Result<String, InputError> {
    let can_be = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let run: String = run
        .chars()
        .map(|c| if can_be(c) { c } else { '-' })
        .collect();
    let id = format!("{run}.r{number}");
    if id.len() <= MAX_ID {
        return Ok(id);
    }
    Err(InputError(format!(
        "`{id}` is longer than the {MAX_ID} characters that the id of a campaign may have"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_resend_is_one_that_a_campaign_may_have() {
        let id = |run: &str| resend_id(run, 2).map_err(|error| error.0);
        assert_eq!(id("xmas"), Ok("xmas.r2".into()));
        let scheduled = id("xmas@2026-12-25T00:00:00Z");
        assert_eq!(scheduled, Ok("xmas-2026-12-25T00-00-00Z.r2".into()));
        let long = id(&"x".repeat(62)).unwrap_err();
        assert!(long.contains("longer than the 64 characters"), "{long}");
    }
}
