//! One event, from its JSON to its summary.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_config::SdkConfig;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::list::{Place, RowError};
use fanline_core::surroundings::Surroundings;
use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::check::checker::Checked;
use crate::check::reading::CheckReading;
use crate::check::row_rules::RowRules;
use crate::check::samples::Samples;
use crate::error::ProduceError;
use crate::event::{Event, EventError, Firing};
use crate::fanout::Fanout;
use crate::list::cutter::cut;
use crate::list::slice::{OpenSlice, Slice, started_at};
use crate::list::store::ListStore;
use crate::progress::Progress;
use crate::publish::queue::Queue;
use crate::publish::slice_queue::{SliceQueue, SliceQueueError};
use crate::publish::sqs_entry::EntryWriter;
use crate::settings::{CampaignSetting, Settings};
use crate::summary::Summary;

/// The producer with its clients. It is made once and handles every event.
#[derive(Debug)]
pub struct Producer {
    settings: Settings,
    lists: ListStore,
    delivery_queue: Queue,
    slice_queue: Option<SliceQueue>,
    progress: Arc<Progress>,
    surroundings: Surroundings,
}

impl Producer {
    /// A producer with these settings. Credentials, region and endpoints are the SDK's.
    pub fn new(settings: Settings, config: &SdkConfig) -> Self {
        Self::in_surroundings(settings, config, Surroundings::default())
    }

    /// The same with another clock and other random numbers than the machine's.
    pub fn in_surroundings(
        settings: Settings,
        config: &SdkConfig,
        surroundings: Surroundings,
    ) -> Self {
        let attempts = settings.send_attempts;
        let queue = |url: &str| Queue::new(config, url.into(), attempts, surroundings.clone());
        let slice_queue = settings.slice_queue_url.as_deref().map(queue);
        Self {
            lists: ListStore::new(config, false, surroundings.random.clone()),
            delivery_queue: queue(&settings.delivery_queue_url),
            slice_queue: slice_queue.map(|queue| SliceQueue::new(queue, settings.sends_in_flight)),
            settings,
            progress: Arc::default(),
            surroundings,
        }
    }

    /// Lets campaigns name files of this machine. For the command line.
    #[must_use]
    pub fn with_local_files(mut self) -> Self {
        self.lists = self.lists.with_local_files();
        self
    }

    /// How far the work has come. Another task may watch it.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Does what an event asks for: fans a campaign out, cuts it into slices, or works on slices.
    ///
    /// It may be called again with the same event, after an error or by accident: what comes to the
    /// queue twice has the same retry keys. An error can leave deliveries on the queue. Before
    /// `deadline` the work stops, and the rest of the slice goes to the slice queue.
    pub async fn handle(
        &self,
        event: Value,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        // The message of a panic may hold a row, so it is dropped.
        AssertUnwindSafe(self.produce(event, deadline))
            .catch_unwind()
            .await
            .unwrap_or(Err(ProduceError::Panicked))
    }

    async fn produce(
        &self,
        event: Value,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let began = Instant::now();
        let mut summary = Summary::default();
        match Event::parse(event)? {
            Event::Campaign(firing) => summary.add(self.fire(firing, deadline).await?),
            Event::Configured { time } => {
                let firing = Firing::new(self.configured_campaign().await?, time)?;
                summary.add(self.fire(firing, deadline).await?);
            }
            Event::Slices(slices) => {
                for slice in slices {
                    summary.add(self.take_up(slice, deadline).await?);
                }
            }
        }
        summary.seconds = began.elapsed().as_secs_f64();
        Ok(summary)
    }

    /// The campaign of the setting `CAMPAIGN`.
    async fn configured_campaign(&self) -> Result<Value, ProduceError> {
        match &self.settings.campaign {
            None => Err(EventError::NoCampaign.into()),
            Some(CampaignSetting::Json(campaign)) => Ok(campaign.clone()),
            Some(CampaignSetting::S3(object)) => {
                let text = self.lists.read_text(object).await?;
                let json = text.trim_start_matches('\u{feff}');
                Ok(serde_json::from_str(json)
                    .map_err(|error| CampaignError::Json(error.to_string()))?)
            }
        }
    }

    /// Works on a campaign's list where it is one slice, and cuts it where it is longer.
    async fn fire(
        &self,
        firing: Firing,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let campaign = Arc::new(Campaign::from_value(firing.campaign.clone())?);
        let now = self.surroundings.clock.now();
        campaign.check_times(now)?;
        let started_at = started_at(campaign.scheduled_time, now);
        let groups = self.settings.queue_groups;
        let writer = EntryWriter::for_deliveries(&campaign, started_at, now, groups)?;
        let source = Arc::new(self.lists.open(&campaign, None).await?);
        let window_bytes = self.settings.slice_bytes;
        let mut list =
            OpenSlice::whole_list(campaign, firing.campaign, source, started_at, window_bytes);
        list.slice.skip = firing.skip;
        let is_one_slice =
            list.source.is_packed() || list.source.length <= self.settings.slice_bytes;
        match &self.slice_queue {
            Some(slice_queue) if !is_one_slice => self.cut(&list, slice_queue).await,
            _ => self.fan_out(&list, writer, deadline).await,
        }
    }

    /// Cuts a list into slices and puts them on the slice queue.
    async fn cut(
        &self,
        list: &OpenSlice,
        slice_queue: &SliceQueue,
    ) -> Result<Summary, ProduceError> {
        if list.slice.skip > 0 {
            return Err(EventError::SkipOfManySlices.into());
        }
        let rules = RowRules::new(&list.campaign, &list.envelope());
        let check_header = |header: &_| rules.check_header(header);
        let (slices, rows) = cut(list, self.settings.slice_bytes, check_header).await?;
        if rows == 0 {
            return Err(ProduceError::NoRows(list.source.name.clone()));
        }
        let sent = slice_queue.send(list, slices).await.map_err(
            |SliceQueueError { published, error }| ProduceError::Slices { published, error },
        )?;
        Ok(Summary {
            run: list.slice.run.clone(),
            slices: sent.slices,
            sliced_rows: rows,
            requests: sent.requests,
            ..Summary::default()
        })
    }

    /// Works on a slice from the slice queue.
    async fn take_up(
        &self,
        slice: Slice,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let campaign = Arc::new(Campaign::from_value(slice.campaign.clone())?);
        if campaign.run() != slice.run {
            return Err(ProduceError::OtherRun {
                slice: slice.run,
                campaign: campaign.run(),
            });
        }
        let groups = self.settings.queue_groups;
        let now = self.surroundings.clock.now();
        let writer = EntryWriter::for_deliveries(&campaign, slice.started_at, now, groups)?;
        let source = Arc::new(self.lists.open(&campaign, Some(&slice.etag)).await?);
        let open =
            OpenSlice::part_of(campaign, slice, source).ok_or(EventError::SliceOutsideList)?;
        self.fan_out(&open, writer, deadline).await
    }

    async fn fan_out(
        &self,
        open: &OpenSlice,
        writer: EntryWriter,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let fanout = Fanout {
            open,
            settings: &self.settings,
            lists: &self.lists,
            delivery_queue: &self.delivery_queue,
            slice_queue: self.slice_queue.as_ref(),
            progress: &self.progress,
            clock: &self.surroundings.clock,
        };
        fanout.run(writer, deadline).await
    }
}

/// Reads the whole list of a campaign as the producer would, sends nothing, and shows each row that
/// can't be sent. Gives what it counted, and rows to show. A campaign that the producer would
/// refuse now is the same error.
///
/// Duplicates are found over the whole list: this takes 21 bytes of memory for each row. The
/// campaign may name a file.
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
    let source = Arc::new(lists.open(&parsed, None).await?);
    let started_at = started_at(parsed.scheduled_time, now);
    let list = OpenSlice::whole_list(parsed, campaign, source, started_at, u64::MAX);
    let progress = Progress::default();
    let mut reading = CheckReading::new(&list, &progress, None, clock);
    reading.keep_samples();
    while let Some(rejected) = reading.next().await? {
        on_bad_row(rejected.place, &rejected.error);
    }
    let samples = reading.take_samples();
    let (checked, _) = reading.finish()?;
    Ok((checked, samples))
}
