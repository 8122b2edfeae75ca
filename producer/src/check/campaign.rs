//! The check of a campaign without sending it.

use std::sync::Arc;

use aws_config::SdkConfig;
use fanline_core::campaign::Campaign;
use fanline_core::list::{Place, RowError};
use fanline_core::surroundings::Surroundings;
use serde_json::Value;

use crate::check::reading::CheckReading;
use crate::check::samples::Samples;
use crate::error::ProduceError;
use crate::list::checked_rows::Checked;
use crate::list::slice::OpenSlice;
use crate::list::store::ListStore;
use crate::progress::Progress;

/// Reads the whole list of a campaign as the producer would, sends nothing, and shows each row that
/// can't be sent. Gives what it counted, and rows to show. A campaign that the producer would
/// refuse now is the same error.
///
/// Duplicates are found over the whole list, as the producer finds them. The campaign may name a
/// file.
pub async fn check(
    campaign: Value,
    config: &SdkConfig,
    mut on_bad_row: impl FnMut(Place, &RowError),
) -> Result<(Checked, Samples), ProduceError> {
    let parsed = Arc::new(Campaign::from_value(campaign.clone())?);
    let Surroundings { clock, random } = Surroundings::default();
    let now = clock.now();
    parsed.check_times(now)?;
    let lists = ListStore::new(config, true, random);
    let source = Arc::new(lists.open(&parsed).await?);
    let list = OpenSlice::whole_list(parsed, campaign, source, now, u64::MAX);
    let progress = Progress::default();
    let mut reading = CheckReading::new(&list, &progress, None, clock);
    reading.keep_samples();
    while let Some(rejected) = reading.next().await? {
        on_bad_row(rejected.place, &rejected.error);
    }
    let samples = reading.take_samples();
    Ok((reading.finish()?.rows.counts(), samples))
}
