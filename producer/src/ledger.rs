//! The record of a run: whether a firing begins the run, continues it, or is refused.

use std::fmt::Display;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::surroundings::Clock;
use fanline_ledger::{
    Book, CanaryState, Cut, Decision, Edit, EditControlError, Entry, Expect, Firing, ListVersion,
    Put, Redrive, Refusal, RunKeys, RunKind, RunRecord, RunState, SliceCounts, SliceId, SliceLines,
    Store, StoreError, UpdateError, begin_run, decide, draw_id, edit_control, note_redrive,
    read_control,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::error::ProduceError;
use crate::event::CampaignFile;
use crate::event::upload::origin::{
    OriginError, claim_for_file, claim_for_schedule, has_published,
};
use crate::list::slice::{Only, OpenSlice, SET_ASIDE, Slice};
use crate::list::source::Source;
use crate::publish::roll::SliceRoll;

/// The number of the rule by which rows become deliveries: the order of the rows, the end of a
/// window, how many groups are open, how many people fit. Whoever changes the rule changes the
/// number: shared deliveries would get other retry keys, and a repeated run would send them twice.
pub(crate) const GROUPING: u32 = 1;

/// Who enters runs into the control object.
const BY: &str = "producer";

/// Where the records of runs are kept, if anywhere.
#[derive(Debug)]
pub(crate) struct RunLedger {
    store: Option<Store>,
    kind: RunKind,
    /// Whether runs are entered into the control object.
    is_controlled: bool,
    /// Whether a bookkeeper orders what a canary holds back.
    is_watched: bool,
    /// Whether files start runs too, so that a campaign may come from two places.
    has_outbox: bool,
}

/// What a firing may do: the record of its run, and whether it was there before.
#[derive(Debug)]
pub(crate) struct AllowedFiring {
    pub(crate) record: RunRecord,
    pub(crate) is_repeated: bool,
}

impl RunLedger {
    /// Records in this store. Without one, a repeated firing is not noticed.
    pub(crate) fn new(store: Option<Store>, kind: RunKind) -> Self {
        Self {
            store,
            kind,
            is_controlled: false,
            is_watched: false,
            has_outbox: false,
        }
    }

    /// Says whether files start runs too.
    pub(crate) fn beside_outbox(self, has_outbox: bool) -> Self {
        Self { has_outbox, ..self }
    }

    /// Says that a bookkeeper orders what a canary holds back.
    pub(crate) fn watched(self, is_watched: bool) -> Self {
        Self { is_watched, ..self }
    }

    /// Enters the runs into the control object beside the records, where an operator finds them.
    pub(crate) fn controlled(self, is_controlled: bool) -> Self {
        Self {
            is_controlled,
            ..self
        }
    }

    /// A firing of a campaign, as it was `given` and as it was read. `slice_bytes`: how long the
    /// slices of a new run are.
    pub(crate) fn firing<'a>(
        &self,
        run: &'a str,
        (given, campaign): (&'a Value, &Campaign),
        source: &Source,
        slice_bytes: u64,
    ) -> Firing<'a> {
        let list = match &campaign.recipients {
            Recipients::Inline(_) => ListVersion::inline(&given["recipients"]),
            Recipients::S3(_) | Recipients::Path(_) => source.version(),
        };
        Firing {
            run,
            id: draw_id(),
            kind: self.kind,
            channel: campaign.channel,
            campaign: given,
            list,
            scheduled_time: campaign.scheduled_time,
            grouping: GROUPING,
            cut: Cut {
                slice_bytes,
                window_bytes: slice_bytes,
            },
            resend_of: given.get("resend_of").and_then(Value::as_str),
        }
    }

    /// What a firing may do, or why it is refused. Writes nothing: the list may turn out to be one
    /// that can't be sent.
    ///
    /// `resumes`: whether the firing leaves out what an earlier one has sent. Then a run of LINE
    /// Notify may be fired again.
    pub(crate) async fn allow(
        &self,
        firing: &Firing<'_>,
        resumes: bool,
        now: Timestamp,
    ) -> Result<AllowedFiring, ProduceError> {
        let existing = self.read(firing.run).await?;
        let (record, is_repeated) = match (decide(existing.as_ref(), firing, now), existing) {
            (Decision::Begin(record), _) => (*record, false),
            (Decision::Continue(record), _) => (*record, true),
            (Decision::Refuse(Refusal::NotifyTwice(_)), Some(record)) if resumes => (record, true),
            (Decision::Refuse(refusal), _) => return Err(refusal.into()),
        };
        Ok(AllowedFiring {
            record,
            is_repeated,
        })
    }

    /// Writes where a run comes from and, if it begins, its record, before anything of it is
    /// published. Returns when the run began.
    pub(crate) async fn begin(
        &self,
        firing: &Firing<'_>,
        file: Option<&CampaignFile>,
        allowed: &AllowedFiring,
        now: Timestamp,
    ) -> Result<Timestamp, ProduceError> {
        self.claim(firing, file, allowed.is_repeated, now).await?;
        let Some(store) = self.store.as_ref().filter(|_| !allowed.is_repeated) else {
            return Ok(allowed.record.started_at);
        };
        let decision = begin_run(store, firing, now)
            .await
            .map_err(|error| failed(&error))?;
        match decision {
            Decision::Refuse(refusal) => Err(refusal.into()),
            Decision::Begin(record) | Decision::Continue(record)
                if record.cut == allowed.record.cut =>
            {
                Ok(record.started_at)
            }
            Decision::Begin(_) | Decision::Continue(_) => {
                Err(ProduceError::BegunMeanwhile(firing.run.to_owned()))
            }
        }
    }

    /// Claims a run for its file, or a campaign for its schedule.
    async fn claim(
        &self,
        firing: &Firing<'_>,
        file: Option<&CampaignFile>,
        is_repeated: bool,
        now: Timestamp,
    ) -> Result<(), ProduceError> {
        let Some(store) = self.store.as_ref().filter(|_| self.has_outbox) else {
            return Ok(());
        };
        if let Some(file) = file {
            claim_for_file(store, firing.run, file, now).await?;
        } else if let (Some(_), false) = (firing.scheduled_time, is_repeated) {
            let campaign = firing.campaign.get("campaign").and_then(Value::as_str);
            claim_for_schedule(store, campaign.unwrap_or(firing.run)).await?;
        }
        Ok(())
    }

    /// Whether a file began a run, and everything of it is on the queue.
    pub(crate) async fn has_published(
        &self,
        run: &str,
        file: &CampaignFile,
        now: Timestamp,
    ) -> Result<bool, OriginError> {
        match &self.store {
            Some(store) => has_published(store, run, file, now).await,
            None => Ok(false),
        }
    }

    /// Notes that a firing sends again what was set aside of its run, before it does: from then on
    /// LINE may have taken it, although the book says that it has not.
    pub(crate) async fn begin_redrive(
        &self,
        firing: &Firing<'_>,
        slice: &Slice,
        now: Timestamp,
    ) -> Result<Option<Redrive>, ProduceError> {
        let is_redriven = slice.only == Some(Only::NotSent);
        let Some(store) = self.store.as_ref().filter(|_| is_redriven) else {
            return Ok(None);
        };
        let redrive = Redrive {
            id: firing.id,
            time: now,
            by: BY.to_owned(),
            why: Some("fired again".to_owned()),
            only: SET_ASIDE.to_vec(),
            ended: None,
        };
        let noted = note_redrive(store, &RunKeys::new(firing.run), &redrive).await;
        noted.map_err(|error| failed(&error))?;
        Ok(Some(redrive))
    }

    /// Notes that everything of it is on a queue.
    pub(crate) async fn end_redrive(
        &self,
        redrive: Option<Redrive>,
        run: &str,
        clock: &Clock,
    ) -> Result<(), ProduceError> {
        let (Some(store), Some(mut redrive)) = (&self.store, redrive) else {
            return Ok(());
        };
        redrive.ended = Some(clock.now());
        let noted = note_redrive(store, &RunKeys::new(run), &redrive).await;
        noted.map_err(|error| failed(&error))
    }

    /// Enters a run into the control object, before anything of it is published. One that was
    /// cancelled is refused. Returns how far the run's canary is.
    pub(crate) async fn enter(
        &self,
        list: &OpenSlice,
        has_canary: bool,
        now: Timestamp,
    ) -> Result<Option<CanaryState>, ProduceError> {
        let Some(store) = self.store.as_ref().filter(|_| self.is_controlled) else {
            return Ok(None);
        };
        let entry = Entry {
            run: &list.slice.run,
            started_at: list.slice.started_at,
            lane: list.campaign.lane,
            has_canary,
        };
        let entered = edit_control(store, |control| {
            Edit::new(control, BY, None, now)?.enter(&entry)
        });
        match entered.await {
            Ok(control) => Ok(control.run(entry.run).and_then(|run| run.canary)),
            Err(UpdateError::Edit(EditControlError::Edit(refusal))) => {
                Err(ProduceError::Ended(refusal))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Whether a run was cancelled: then nothing more of it is published.
    pub(crate) async fn is_cancelled(&self, run: &str) -> Result<bool, ProduceError> {
        let Some(store) = self.store.as_ref().filter(|_| self.is_controlled) else {
            return Ok(false);
        };
        let control = read_control(store, None).await;
        let control = control.map_err(|error| failed(&error))?;
        let state = control.and_then(|(control, _)| Some(control.run(run)?.state));
        Ok(state == Some(RunState::Cancelled))
    }

    /// What became of the people of a slice, so far; `None` where records are kept nowhere.
    pub(crate) async fn book(
        &self,
        run: &str,
        slice: SliceId,
        recipients: u64,
    ) -> Result<Option<Book>, ProduceError> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let object = store.get(&RunKeys::new(run).book(slice)).await;
        let object = object.map_err(|error| failed(&error))?;
        let book = object.map(|object| Book::decode(&object.bytes)).transpose();
        let book = book.map_err(|error| failed(&error))?;
        Ok(Some(book.unwrap_or_else(|| Book::new(slice, recipients))))
    }

    /// Writes down what the list of a run was cut into. It is the same each time.
    pub(crate) async fn write_slices(
        &self,
        run: &str,
        slices: &SliceLines,
    ) -> Result<(), ProduceError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let key = RunKeys::new(run).slices();
        let put = store.put(&key, slices.encode(), &Expect::Any);
        put.await.map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Whether a canary can be watched: a bookkeeper sees how its sample does.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_kept() && self.is_watched
    }

    /// Whether there is a place for records.
    pub(crate) fn is_kept(&self) -> bool {
        self.store.is_some()
    }

    /// Writes down that a slice begins behind its first `skip` deliveries: its counts, before
    /// anything of it is published. Returns whether an earlier invocation has written that.
    pub(crate) async fn begin_slice(
        &self,
        run: &str,
        counts: &SliceCounts,
        skip: u64,
    ) -> Result<bool, ProduceError> {
        let Some(store) = &self.store else {
            return Ok(false);
        };
        let keys = RunKeys::new(run);
        // An earlier invocation may have completed the counts, so they stay as they are.
        let was_begun = has_been_put(store, &keys.counts(counts.slice), counts).await?;
        if skip == 0 {
            return Ok(was_begun);
        }
        has_been_put(store, &keys.rest(counts.slice, skip), counts).await
    }

    /// Writes the roll of a slice, and then its complete counts, after its last delivery.
    pub(crate) async fn end_slice(
        &self,
        run: &str,
        counts: &SliceCounts,
        roll: Option<Box<SliceRoll>>,
    ) -> Result<(), ProduceError> {
        let (Some(store), Some(roll)) = (&self.store, roll) else {
            return Ok(());
        };
        let unwritten = |error: &dyn Display| ProduceError::Roll(error.to_string());
        let (file, totals) = roll.finish().map_err(|error| unwritten(&error))?;
        if !totals.agrees_with(counts) {
            return Err(unwritten(&"it does not add up to the slice's counts"));
        }
        let roll = Put::File(file.path().to_owned());
        let keys = RunKeys::new(run);
        let (roll_key, counts_key) = (keys.roll(counts.slice), keys.counts(counts.slice));
        let put = store.put(&roll_key, roll, &Expect::Any);
        put.await.map_err(|error| unwritten(&error))?;
        let put = store.put(&counts_key, counts.encode(), &Expect::Any);
        put.await.map_err(|error| unwritten(&error))?;
        Ok(())
    }

    /// The record of a run; `None` where there is none.
    pub(crate) async fn read(&self, run: &str) -> Result<Option<RunRecord>, ProduceError> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let object = store.get(&RunKeys::new(run).record()).await;
        let object = object.map_err(|error| failed(&error))?;
        let record = object.map(|object| RunRecord::decode(&object.bytes));
        record.transpose().map_err(|error| failed(&error))
    }
}

/// Writes counts where there are none. Returns whether there were some.
async fn has_been_put(
    store: &Store,
    key: &str,
    counts: &SliceCounts,
) -> Result<bool, ProduceError> {
    match store.put(key, counts.encode(), &Expect::Absent).await {
        Ok(_) => Ok(false),
        Err(StoreError::Conflict(_)) => Ok(true),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &impl Display) -> ProduceError {
    ProduceError::Ledger(error.to_string())
}
