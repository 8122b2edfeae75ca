//! One piece of work, from its event to its summary.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use aws_config::SdkConfig;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::list::{Place, RowError};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::Value;

use crate::check::checker::Checked;
use crate::error::ProduceError;
use crate::event::{Event, EventError, Firing};
use crate::list::rows::Rows;
use crate::list::slice::{Cutter, Slice, started_at};
use crate::list::store::Lists;
use crate::progress::Progress;
use crate::publish::pack::{Entry, Packer};
use crate::publish::queue::{Queue, QueueError};
use crate::publish::sender::Sender;
use crate::publish::sqs_entry::Postmark;
use crate::reading::{CheckError, FirstReading, Job};
use crate::settings::{CampaignSetting, Settings};
use crate::summary::Summary;

/// The producer with its clients, made once and used for every event.
#[derive(Debug)]
pub struct Producer {
    pub(crate) settings: Settings,
    pub(crate) lists: Lists,
    pub(crate) deliveries: Queue,
    pub(crate) slices: Option<Queue>,
    pub(crate) progress: Arc<Progress>,
}

impl Producer {
    /// A producer with these settings, and the SDK's for credentials, region and endpoints.
    pub fn new(settings: Settings, config: &SdkConfig) -> Self {
        let queue = |url: &str| Queue::new(config, url.to_owned(), settings.send_attempts);
        Self {
            lists: Lists::new(config, false),
            deliveries: queue(&settings.delivery_queue_url),
            slices: settings.slice_queue_url.as_deref().map(queue),
            settings,
            progress: Arc::default(),
        }
    }

    /// Lets campaigns name files of this machine: for the command line.
    #[must_use]
    pub fn with_local_files(mut self) -> Self {
        self.lists = self.lists.with_local_files();
        self
    }

    /// How far the work has come, for whoever watches it from another task.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Does what an event asks for: fans a campaign out, cuts it into slices, or works on slices.
    ///
    /// It may be called again with the same event, after an error or by accident: what it puts on the queue twice has the same
    /// retry keys. After an error nothing is on the queue but what the error counts. Before `deadline` it stops and hands the
    /// rest of its slice to the slice queue.
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
                let firing = Firing::new(self.configured().await?, time)?;
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

    async fn configured(&self) -> Result<Value, ProduceError> {
        match &self.settings.campaign {
            None => Err(EventError::NoCampaign.into()),
            Some(CampaignSetting::Json(campaign)) => Ok(campaign.clone()),
            Some(CampaignSetting::S3(uri)) => {
                let text = self.lists.text(uri).await?;
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                Ok(serde_json::from_str(text)
                    .map_err(|error| CampaignError::Json(error.to_string()))?)
            }
        }
    }

    /// Works on a campaign's list where it is one slice, and cuts it where it is more.
    async fn fire(
        &self,
        firing: Firing,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let campaign = Arc::new(Campaign::from_value(firing.campaign.clone())?);
        let started_at = started_at(campaign.scheduled_time, Timestamp::now());
        let mark = Postmark::of_deliveries(&campaign, started_at, self.settings.queue_groups)?;
        let source = Arc::new(self.lists.open(&campaign, None).await?);
        let slice = Slice {
            run: campaign.run(),
            started_at,
            etag: source.etag.clone(),
            start: Place::START,
            end: None,
            header: None,
            window_bytes: self.settings.slice_bytes,
            skip: firing.skip,
            campaign: firing.campaign,
        };
        let is_cut = self.slices.is_some()
            && !source.is_packed()
            && source.length > self.settings.slice_bytes;
        let job = Job {
            campaign,
            slice,
            source,
        };
        if !is_cut {
            return self.work(job, mark, deadline).await;
        }
        if job.slice.skip > 0 {
            return Err(EventError::SkipOfMany.into());
        }
        let (slices, rows) = cut(&job, self.settings.slice_bytes).await?;
        if rows == 0 {
            return Err(ProduceError::NoRows(job.source.name.clone()));
        }
        let (slices, requests) = self.send_slices(&job, slices).await?;
        Ok(Summary {
            run: job.slice.run,
            slices,
            sliced_rows: rows,
            requests,
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
        let mark =
            Postmark::of_deliveries(&campaign, slice.started_at, self.settings.queue_groups)?;
        let source = Arc::new(self.lists.open(&campaign, Some(&slice.etag)).await?);
        let end = slice.end.unwrap_or(source.length);
        if slice.start.byte > end || end > source.length {
            return Err(EventError::SliceOutsideList.into());
        }
        self.work(
            Job {
                campaign,
                slice,
                source,
            },
            mark,
            deadline,
        )
        .await
    }

    /// Puts slices on their queue, all of them or an error; answers with how many, and in how many requests.
    pub(crate) async fn send_slices(
        &self,
        job: &Job,
        slices: Vec<Slice>,
    ) -> Result<(u64, u64), ProduceError> {
        let Some(queue) = self.slices.clone() else {
            return Ok((0, 0));
        };
        let mark = Postmark::of_slices(&job.campaign, job.slice.started_at);
        let mut sender = Sender::new(queue, mark, &self.settings, Arc::clone(&self.progress));
        let mut packer = Packer::default();
        for slice in slices {
            let mut body = String::new();
            fanline_core::text::push_json(&mut body, &slice);
            if let Some(request) = packer.push(Entry::Slice(body)) {
                sender.send(request).await;
            }
        }
        if let Some(request) = packer.finish() {
            sender.send(request).await;
        }
        let (sent, failed) = sender.finish().await;
        let refused = || {
            let (_, problem) = sent.refused.first()?;
            let queue = self.settings.slice_queue_url.clone().unwrap_or_default();
            Some(QueueError::Refused {
                queue,
                problem: problem.clone(),
            })
        };
        match failed.map(|failed| failed.error).or_else(refused) {
            Some(source) => Err(ProduceError::Slices {
                published: sent.slices,
                source,
            }),
            None => Ok((sent.slices, sent.requests)),
        }
    }
}

/// Reads the whole list and cuts it at rows. Only what reads to its end is cut: a quote left open near the end sends nothing.
async fn cut(job: &Job, bytes: u64) -> Result<(Vec<Slice>, u64), ProduceError> {
    let mut rows = Rows::new(&job.source, &job.slice);
    let rules = job.rules();
    let mut cutter = Cutter::new(bytes);
    let mut count = 0;
    while rows.fill(&rules).await? {
        while let Some(parsed) = rows.next()? {
            cutter.row(parsed.place);
            count += 1;
        }
    }
    let header = rows.header().cloned();
    let slices = cutter
        .finish(job.source.length)
        .into_iter()
        .map(|(start, end)| Slice {
            start,
            end: Some(end),
            header: header.clone(),
            ..job.slice.clone()
        });
    Ok((slices.collect(), count))
}

/// Reads the whole list of a campaign as the producer would, sends nothing, and shows each row that can't be sent.
///
/// Duplicates are counted as the producer would find them with slices of the default size. A campaign may name a file.
pub async fn check(
    campaign: Value,
    config: &SdkConfig,
    mut on_bad_row: impl FnMut(Place, &RowError),
) -> Result<Checked, ProduceError> {
    let parsed = Arc::new(Campaign::from_value(campaign.clone())?);
    let source = Arc::new(Lists::new(config, true).open(&parsed, None).await?);
    let slice = Slice {
        run: parsed.run(),
        started_at: started_at(parsed.scheduled_time, Timestamp::now()),
        etag: source.etag.clone(),
        start: Place::START,
        end: None,
        header: None,
        window_bytes: crate::settings::DEFAULT_SLICE_BYTES,
        skip: 0,
        campaign,
    };
    let job = Job {
        campaign: parsed,
        slice,
        source,
    };
    let progress = Progress::default();
    let mut reading = FirstReading::new(&job, &progress, None);
    while let Some(rejected) = reading.next().await.map_err(|error| match error {
        CheckError::Read(error) => error.into(),
        CheckError::OutOfTime => ProduceError::NoTimeToCheck(job.source.name.clone()),
    })? {
        on_bad_row(rejected.place, &rejected.error);
    }
    let checked = reading.finish();
    if checked.rows == 0 {
        return Err(ProduceError::NoRows(job.source.name.clone()));
    }
    Ok(checked)
}
