//! Rows of the list that could not be sent, mended by hand.

use std::path::Path;

use fanline_core::campaign::Campaign;
use fanline_ledger::RunRecord;
use fanline_producer::ListRows;

use super::chooser::Chooser;
use super::files::ResendFiles;
use crate::args::RowOutcome;
use crate::aws;
use crate::commands::ledger::people::joined::{Fate, JoinedRow};
use crate::exit::InputError;

/// Goes over the mended rows: whoever is nowhere in the family is chosen, and the row is written
/// behind those of the list. Its columns must be the list's.
pub(super) async fn choose_mended(
    root: &RunRecord,
    path: &Path,
    chooser: &mut Chooser<'_>,
    mut files: Option<&mut ResendFiles>,
) -> anyhow::Result<()> {
    let wrong = |problem: &str| InputError(format!("--mend: {}: {problem}", path.display()));
    let mut campaign = root.campaign.clone();
    if let Some(fields) = campaign.as_object_mut() {
        fields.insert("recipients".into(), path.display().to_string().into());
    }
    let campaign = Campaign::from_value(campaign).map_err(|error| wrong(&error.to_string()))?;
    let config = aws::config(None).await?;
    let rows = ListRows::open(&config, campaign, None).await;
    let mut rows = rows.map_err(|error| wrong(&error.to_string()))?;
    while rows
        .fill()
        .await
        .map_err(|error| wrong(&error.to_string()))?
    {
        let header = rows.header().cloned();
        let columns = header.as_ref().map(|header| header.columns().to_vec());
        let fits = columns == chooser.columns;
        loop {
            let parsed = rows.next_row().map_err(|error| wrong(&error.to_string()))?;
            let Some(parsed) = parsed else {
                break;
            };
            if !fits {
                return Err(wrong("its columns are not those of the list").into());
            }
            let row = parsed.place.row;
            let values = parsed
                .row
                .map_err(|error| wrong(&format!("row {row}: {error}")))?;
            let is_chosen = chooser.choose_mended(&values);
            let is_chosen =
                is_chosen.ok_or_else(|| wrong(&format!("row {row} has no recipient")))?;
            if let (true, Some(files)) = (is_chosen, files.as_deref_mut()) {
                files.write(&JoinedRow {
                    row,
                    values: Some(values),
                    header: header.as_ref(),
                    fate: Fate::of_nobody(RowOutcome::Rejected),
                })?;
            }
        }
    }
    chooser.check_key()?;
    Ok(())
}
