//! One event, from its JSON to its summary.

use std::sync::Arc;

use aws_config::SdkConfig;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::surroundings::Surroundings;
use fanline_ledger::{CanaryRule, CanaryState, Cut, Refusal, RunKind, SliceOrder, Store};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::error::{ProduceError, unpanicked};
use crate::event::{Event, EventError, Firing, SliceMessage};
use crate::fanout::Fanout;
use crate::ledger::RunLedger;
use crate::list::cutter::CheckedList;
use crate::list::slice::{Only, OpenSlice, Slice};
use crate::list::source::Source;
use crate::list::store::ListStore;
use crate::progress::Progress;
use crate::publish::canary;
use crate::publish::encoder::Sealer;
use crate::publish::left_out::skipped;
use crate::publish::queue::{DeliveryQueues, Queue};
use crate::publish::slice_queue::{SliceQueue, keep_ordered, send_slices, slices_of};
use crate::publish::sqs_entry::EntryWriter;
use crate::settings::{CampaignSetting, Settings};
use crate::summary::Summary;

/// The producer with its clients. It is made once and handles every event.
#[derive(Debug)]
pub struct Producer {
    settings: Settings,
    lists: ListStore,
    delivery_queues: DeliveryQueues,
    slice_queue: Option<SliceQueue>,
    ledger: RunLedger,
    sealer: Sealer,
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
        let ledger = settings.ledger.as_ref();
        let store = ledger.map(|uri| Store::of_ledger_uri(config, uri));
        let is_controlled = settings.is_controlled;
        Self {
            ledger: RunLedger::new(store, RunKind::Real)
                .controlled(is_controlled)
                .watched(is_controlled)
                .beside_outbox(settings.outbox.is_some()),
            lists: ListStore::new(config, false, surroundings.random.clone()),
            delivery_queues: DeliveryQueues {
                bulk: queue(&settings.delivery_queue_url),
                urgent: settings.urgent_queue_url.as_deref().map(queue),
            },
            sealer: Sealer::new(config, settings.seal_key.clone()),
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

    /// Keeps the records of runs in this store, in place of the one that the settings name, and
    /// enters the runs into its control object, where the caller's bookkeeper finds them. For the
    /// command line, whose runs may be rehearsals.
    #[must_use]
    pub fn with_ledger(mut self, store: Store, kind: RunKind) -> Self {
        self.ledger = RunLedger::new(Some(store), kind)
            .controlled(true)
            .watched(true);
        self
    }

    /// Whether a campaign continues a run that began before, or why it would be refused. Nothing is
    /// written or sent.
    pub async fn continues(&self, campaign: Value) -> Result<bool, ProduceError> {
        let firing = Firing::new(campaign, None)?;
        let campaign = Campaign::from_value(firing.campaign.clone())?;
        let source = self.lists.open(&campaign).await?;
        let run = campaign.run();
        let (given, bytes) = ((&firing.campaign, &campaign), self.settings.slice_bytes);
        let run_firing = self.ledger.firing(&run, given, &source, bytes);
        let now = self.surroundings.clock.now();
        let allowed = self.ledger.allow(&run_firing, firing.skip.is_some(), now);
        Ok(allowed.await?.is_repeated)
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
        unpanicked(Box::pin(self.produce(event, deadline))).await
    }

    /// Fans the campaign of a file out, as [`Producer::handle`] does.
    pub(crate) async fn send(
        &self,
        firing: Firing,
        campaign: Campaign,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let (file, now) = (firing.file.clone(), self.surroundings.clock.now());
        let sent = self.fire(firing, Arc::new(campaign), deadline);
        let sent = unpanicked(Box::pin(sent)).await;
        if let (Err(ProduceError::Refused(Refusal::NotifyTwice(run))), Some(file)) = (&sent, &file)
            && self.ledger.has_published(run, file, now).await?
        {
            return Ok(Summary {
                run: run.clone(),
                ..Summary::default()
            });
        }
        sent
    }

    async fn produce(
        &self,
        event: Value,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let began = Instant::now();
        let mut summary = Summary::default();
        match Event::parse(event)? {
            Event::Campaign(firing) => summary.add(self.read_and_fire(firing, deadline).await?),
            Event::Configured { time } => {
                let firing = Firing::new(self.configured_campaign().await?, time)?;
                summary.add(self.read_and_fire(firing, deadline).await?);
            }
            Event::Slices(slices) => {
                for message in slices {
                    let done = match message {
                        SliceMessage::Slice(slice) => self.take_up(*slice, deadline).await?,
                        SliceMessage::Order(order) => self.obey(order, deadline).await?,
                    };
                    summary.add(done);
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

    async fn read_and_fire(
        &self,
        firing: Firing,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let campaign = Campaign::from_value(firing.campaign.clone())?;
        self.fire(firing, Arc::new(campaign), deadline).await
    }

    /// Checks a campaign's whole list, begins or continues its run, and publishes the list or its
    /// slices. The campaign is the one of the firing, read already.
    async fn fire(
        &self,
        firing: Firing,
        campaign: Arc<Campaign>,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        campaign.check_times(self.surroundings.clock.now())?;
        let source = Arc::new(self.lists.open(&campaign).await?);
        self.fan_out(firing, campaign, source, None, deadline).await
    }

    /// Publishes what is waiting of a slice: what anybody has already lost on the way. The whole
    /// list is checked again, because that decides which deliveries the slice has.
    async fn obey(
        &self,
        order: SliceOrder,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let record = self.ledger.read(&order.run).await?;
        let record = record.ok_or_else(|| ProduceError::no_such_slice(&order))?;
        if self.ledger.is_cancelled(&order.run).await? {
            return Ok(Summary::default());
        }
        let firing = Firing::new(record.campaign, None)?;
        let campaign = Arc::new(Campaign::from_value(firing.campaign.clone())?);
        let (etag, version_id) = (&record.list.etag, record.list.version_id.as_deref());
        let source = self.lists.open_version(&campaign, etag, version_id).await?;
        let source = Arc::new(source);
        self.fan_out(firing, campaign, source, Some(&order), deadline)
            .await
    }

    /// Begins or continues a run. `order`: of which slice of it only what is waiting is wanted.
    async fn fan_out(
        &self,
        firing: Firing,
        campaign: Arc<Campaign>,
        source: Arc<Source>,
        order: Option<&SliceOrder>,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let now = self.surroundings.clock.now();
        EntryWriter::check(&campaign, now, self.settings.queue_groups)?;
        let delivery_queue = self.delivery_queues.of(campaign.lane)?;
        let canary = self.canary(&firing, &campaign)?;
        let run = campaign.run();
        let bytes = self.settings.slice_bytes;
        let given = (&firing.campaign, &*campaign);
        let run_firing = self.ledger.firing(&run, given, &source, bytes);
        let (resumes, file) = (firing.skip.is_some(), firing.file.as_ref());
        let allowed = self.ledger.allow(&run_firing, resumes, now).await?;
        let (started_at, cut) = (allowed.record.started_at, allowed.record.cut);
        let given = firing.campaign.clone();
        let mut list = OpenSlice::whole_list(campaign, given, source, started_at, cut.window_bytes)
            .sealed(self.sealer.is_on());
        list.slice.skip = skipped(firing.skip.as_ref(), &list)?;
        // What broke off may have published more than what is left out.
        list.slice.perhaps_published = resumes;
        list.slice.only = match order {
            Some(order) => Some(Only::of(order)),
            None => allowed.is_repeated.then_some(Only::NotSent),
        };
        let cut_bytes = self.cut_bytes(&list, cut)?;
        let uncounted = Arc::default();
        let mut fanout = self.fanout(&list, delivery_queue);
        if order.is_some() {
            // A firing has counted these rows.
            fanout.progress = &uncounted;
        }
        let stop_at = fanout.stop_at(deadline);
        let (checked, rejects) = fanout.check(cut_bytes, stop_at).await?;
        let mut slices = self.cut(&list, &checked, canary.as_ref())?;
        keep_ordered(order, slices.as_mut())?;
        self.sealer.prove(&list, slices.is_some()).await?;
        let now = self.surroundings.clock.now();
        list.slice.started_at = self.ledger.begin(&run_firing, file, &allowed, now).await?;
        let begun = self.ledger.begin_redrive(&run_firing, &list.slice, now);
        let redrive = begun.await?;
        if order.is_none() {
            let entered = self.ledger.enter(&list, canary.is_some(), now);
            if let (Some(CanaryState::Waiting), Some(slices)) = (entered.await?, &mut slices) {
                slices.retain(Slice::is_sample);
            }
        }
        self.ledger
            .write_slices(&run, &checked.lines(&list))
            .await?;
        let mut summary = if let (Some(queue), Some(slices)) = (&self.slice_queue, slices) {
            send_slices(queue, &list, slices, checked.rows.rows()).await?
        } else {
            let fanout = self.fanout(&list, delivery_queue);
            fanout.publish(checked.rows, stop_at).await?
        };
        let clock = &self.surroundings.clock;
        self.ledger.end_redrive(redrive, &run, clock).await?;
        summary.rejects.extend(rejects);
        Ok(summary)
    }

    /// The canary of a campaign. Somebody must be there who releases the others.
    fn canary(
        &self,
        firing: &Firing,
        campaign: &Campaign,
    ) -> Result<Option<CanaryRule>, ProduceError> {
        let canary = canary::rule(&firing.campaign, campaign)?;
        if canary.is_some() && !(self.ledger.is_watched() && self.slice_queue.is_some()) {
            return Err(ProduceError::CanaryUnwatched);
        }
        Ok(canary)
    }

    /// How long the slices of a list may be, if it is to be cut.
    fn cut_bytes(&self, list: &OpenSlice, cut: Cut) -> Result<Option<u64>, EventError> {
        let is_one_slice = !list.source.form.has_places() || list.source.length <= cut.slice_bytes;
        if self.slice_queue.is_none() || is_one_slice {
            return Ok(None);
        }
        if list.slice.skip > 0 {
            return Err(EventError::SkipOfManySlices);
        }
        Ok(Some(cut.slice_bytes))
    }

    /// The slices that go to the slice queue, each twice where a canary goes first. `None` where
    /// this invocation publishes the list itself.
    fn cut(
        &self,
        list: &OpenSlice,
        checked: &CheckedList,
        canary: Option<&CanaryRule>,
    ) -> Result<Option<Vec<Slice>>, ProduceError> {
        let slices = match &self.slice_queue {
            Some(_) => slices_of(list, checked, canary.is_some())?,
            None => None,
        };
        let Some(rule) = canary else {
            return Ok(slices);
        };
        let share = rule.sample(&list.slice.run, checked.rows.rows()).share();
        let whole = slices.ok_or(ProduceError::CanaryUnwatched)?;
        Ok(Some(canary::both(whole, share)))
    }

    /// Works on a slice from the slice queue.
    async fn take_up(
        &self,
        mut slice: Slice,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let campaign = Arc::new(Campaign::from_value(slice.campaign.clone())?);
        if campaign.run() != slice.run {
            return Err(ProduceError::OtherRun {
                slice: slice.run,
                campaign: campaign.run(),
            });
        }
        if self.ledger.is_cancelled(&slice.run).await? {
            return Ok(Summary::default());
        }
        let now = self.surroundings.clock.now();
        EntryWriter::check(&campaign, now, self.settings.queue_groups)?;
        let delivery_queue = self.delivery_queues.of(campaign.lane)?;
        let version_id = slice.version_id.as_deref();
        let opened = self.lists.open_version(&campaign, &slice.etag, version_id);
        let source = Arc::new(opened.await?);
        let checked = slice.checked.take();
        let open =
            OpenSlice::part_of(campaign, slice, source).ok_or(EventError::SliceOutsideList)?;
        let open = open.sealed(self.sealer.is_on());
        let fanout = self.fanout(&open, delivery_queue);
        let stop_at = fanout.stop_at(deadline);
        let (rows, rejects) = if let Some(rows) = checked {
            (rows, Vec::new())
        } else {
            let (checked, rejects) = fanout.check(None, stop_at).await?;
            (checked.rows, rejects)
        };
        let mut summary = fanout.publish(rows, stop_at).await?;
        summary.rejects.extend(rejects);
        Ok(summary)
    }

    fn fanout<'a>(&'a self, open: &'a OpenSlice, delivery_queue: &'a Queue) -> Fanout<'a> {
        Fanout {
            open,
            settings: &self.settings,
            lists: &self.lists,
            delivery_queue,
            slice_queue: self.slice_queue.as_ref(),
            ledger: &self.ledger,
            sealer: &self.sealer,
            progress: &self.progress,
            clock: &self.surroundings.clock,
        }
    }
}
