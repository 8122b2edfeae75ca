//! What a campaign would do: its list is read as the producer reads it, and nothing is sent.

use std::sync::Arc;

use aws_config::SdkConfig;
use fanline_core::campaign::Campaign;
use fanline_core::list::{Place, RowError};
use fanline_core::recipient::Recipient;
use fanline_core::surroundings::{Clock, Surroundings};
use fanline_ledger::ByEndpoint;
use fanline_seal::SliceKey;
use jiff::Timestamp;
use serde_json::Value;

use crate::check::reading::CheckReading;
use crate::check::samples::Samples;
use crate::error::ProduceError;
use crate::list::checked_rows::{Checked, CheckedRows};
use crate::list::slice::OpenSlice;
use crate::list::store::ListStore;
use crate::progress::Progress;
use crate::publish::canary;
use crate::publish::encoder::DeliveryEncoder;
use crate::publish::group::Group;
use crate::publish::left_out::LeftOut;
use crate::publish::pack::Entry;
use crate::publish::reading::PublishReading;
use crate::settings::DEFAULT_SLICE_BYTES;

/// What a check of a campaign found.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// How many rows the list has, and how many of them are sent.
    pub checked: Checked,
    /// Rows to show, and how many values are empty.
    pub samples: Samples,
}

/// What a campaign would put on the queue.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What the check found.
    pub preview: Preview,
    /// The deliveries. Each is one request to LINE.
    pub deliveries: ByEndpoint<u64>,
    /// The people in them.
    pub people: ByEndpoint<u64>,
    /// The bytes of their queue messages.
    pub bytes: ByEndpoint<u64>,
}

/// Reads the whole list of a campaign as the producer would, sends nothing, and shows each row that
/// can't be sent. A campaign that the producer would refuse now is the same error.
///
/// Duplicates are found over the whole list, as the producer finds them. The campaign may name a
/// file. `is_sealed`: the deliveries would be sealed, and so have to fit a queue message as sealed
/// ones. `row`: a row to keep among the samples, besides those that are always kept.
pub async fn check(
    campaign: Value,
    config: &SdkConfig,
    is_sealed: bool,
    row: Option<u64>,
    on_bad_row: impl FnMut(Place, &RowError),
) -> Result<Preview, ProduceError> {
    let (list, clock) = open(campaign, config, is_sealed).await?;
    let (preview, _) = read(&list, clock, row, on_bad_row).await?;
    Ok(preview)
}

/// The same as [`check`]. Then reads the list again as the producer would to publish it, counts the
/// deliveries, and shows each recipient once.
pub async fn plan(
    campaign: Value,
    config: &SdkConfig,
    is_sealed: bool,
    mut on_recipient: impl FnMut(&Recipient),
) -> Result<Plan, ProduceError> {
    let (list, clock) = open(campaign, config, is_sealed).await?;
    let key = is_sealed.then(|| SliceKey::to_measure(&list.slice.run, &list.id.to_string()));
    let (preview, rows) = read(&list, clock, None, |_, _| ()).await?;
    let mut plan = Plan {
        preview,
        ..Plan::default()
    };
    let mut reading = PublishReading::new(
        &list,
        rows,
        LeftOut::default(),
        DeliveryEncoder::of(&list, false, key.map(Arc::new)),
        None,
    );
    while let Some(request) = reading.next().await? {
        for entry in &request {
            if let Entry::Delivery { group, bytes, .. } = entry {
                plan.count(group, *bytes as u64);
                group.recipients.iter().for_each(&mut on_recipient);
            }
        }
    }
    Ok(plan)
}

impl Plan {
    fn count(&mut self, group: &Group, bytes: u64) {
        let people = group.recipients.len() as u64;
        if people == 1 {
            self.deliveries.push += 1;
            self.people.push += 1;
            self.bytes.push += bytes;
        } else {
            self.deliveries.multicast += 1;
            self.people.multicast += people;
            self.bytes.multicast += bytes;
        }
    }
}

async fn open(
    campaign: Value,
    config: &SdkConfig,
    is_sealed: bool,
) -> Result<(OpenSlice, Clock), ProduceError> {
    let parsed = Arc::new(Campaign::from_value(campaign.clone())?);
    let Surroundings { clock, random } = Surroundings::default();
    let now = clock.now();
    parsed.check_times(now)?;
    canary::rule(&campaign, &parsed)?;
    let lists = ListStore::new(config, true, random);
    let source = Arc::new(lists.open(&parsed).await?);
    // A run begins at a whole second, so its deliveries have this length.
    let started_at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let list = OpenSlice::whole_list(parsed, campaign, source, started_at, DEFAULT_SLICE_BYTES);
    Ok((list.sealed(is_sealed), clock))
}

async fn read(
    list: &OpenSlice,
    clock: Clock,
    row: Option<u64>,
    mut on_bad_row: impl FnMut(Place, &RowError),
) -> Result<(Preview, CheckedRows), ProduceError> {
    let progress = Progress::default();
    let mut reading = CheckReading::new(list, &progress, None, clock);
    reading.keep_samples(Samples::of(&list.campaign.messages, row));
    while let Some(rejected) = reading.next().await? {
        on_bad_row(rejected.place, &rejected.error);
    }
    let samples = reading.take_samples();
    let rows = reading.finish()?.rows;
    let checked = rows.counts();
    Ok((Preview { checked, samples }, rows))
}
