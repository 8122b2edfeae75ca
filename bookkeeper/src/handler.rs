//! A call in, a partial batch response and metric lines out.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_lambda_events::sqs::SqsBatchResponse;
use fanline_core::surroundings::{Clock, Surroundings};
use fanline_ledger::{
    CONTROL_KEY, Control, Edit, EditControlError, Folder, Lane, Mapping, OutcomeMessage,
    OutcomeQueueBody, Store, StoreError, UpdateError, edit_control, gather, read_control,
};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;

use crate::event::{Event, Message};
use crate::lists::Lists;
use crate::mapping::{Mappings, Notes, Switch};
use crate::merge::brake::Brakes;
use crate::merge::latency::Latencies;
use crate::merge::{MergedRun, merge_run};
use crate::metrics::BatchCounts;
use crate::queues::Queues;
use crate::runs::Runs;
use crate::settings::{LedgerPlace, Settings};
use crate::tick::Round;

/// Who edits the control object.
const BY: &str = "bookkeeper";
/// A request that is not answered in this time is made again, and given up after the second one.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// So many runs of a batch are merged at the same time.
const RUNS: usize = 4;

/// The bookkeeper with its store and its clients. It is made once and handles every call.
///
/// Two may work on the same ledger at the same time, and each may die anywhere: what is written
/// depends on the set of outcomes alone.
#[derive(Debug)]
pub struct Bookkeeper {
    settings: Settings,
    store: Store,
    mappings: Mappings,
    queues: Queues,
    lists: Lists,
    runs: Runs,
    brakes: Brakes,
    latencies: Latencies,
    clock: Clock,
    /// The only run of which slices are ordered; `None`: of every run.
    orders_only: Option<String>,
}

/// What a call came to.
#[derive(Debug, Default)]
pub struct Handled {
    /// The messages that must come again. All others may be deleted.
    pub response: SqsBatchResponse,
    /// Lines for CloudWatch, one JSON object each. Print them as they are.
    pub metrics: Vec<String>,
}

/// Why a tick did nothing. The next one begins anew.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The control object can't be read or edited.
    #[error("the control object was not kept")]
    Control(#[source] UpdateError<EditControlError>),
}

impl Bookkeeper {
    /// A bookkeeper with these settings. Credentials, region and endpoints are the SDK's.
    pub fn new(settings: Settings, config: &SdkConfig) -> Self {
        Self::in_surroundings(settings, config, Surroundings::default())
    }

    /// The same with another clock than the machine's.
    pub fn in_surroundings(
        settings: Settings,
        config: &SdkConfig,
        surroundings: Surroundings,
    ) -> Self {
        let config = &impatient(config);
        Self {
            store: match &settings.ledger {
                LedgerPlace::Bucket(place) => Store::of_ledger_uri(config, place),
                LedgerPlace::Folder(folder) => Store::Folder(Folder::new(folder)),
            },
            mappings: Mappings::new(settings.mappings.clone(), config),
            queues: Queues::new(&settings.stack, config),
            lists: Lists::new(config),
            runs: Runs::default(),
            brakes: Brakes::default(),
            latencies: Latencies::default(),
            clock: surroundings.clock,
            settings,
            orders_only: None,
        }
    }

    /// An error says why the place of the ledger can't be read. Nothing is written. One that is
    /// empty is no error: then there is no run yet.
    pub async fn require_ledger(&self) -> Result<(), StoreError> {
        self.store.get_head(CONTROL_KEY, 1).await.map(drop)
    }

    /// Orders slices of this run alone: nothing of another run in the same ledger is sent. For the
    /// command line, which sends one run and nothing that nobody asked for.
    #[must_use]
    pub fn ordering_only(mut self, run: &str) -> Self {
        self.orders_only = Some(run.to_owned());
        self
    }

    /// Writes the outcomes of a batch of messages into the ledger, or looks at every run.
    ///
    /// It may be called again with the same event. A batch never fails as a whole: its answer names
    /// the messages that must come again.
    pub async fn handle(&self, event: Event) -> Result<Handled, TickError> {
        match event {
            // On the heap: the compiler can't lay out so deep a future in one piece.
            Event::Messages(messages) => Ok(Box::pin(self.merge(&messages)).await),
            Event::Tick => Box::pin(self.tick()).await,
        }
    }

    async fn merge(&self, messages: &[Message]) -> Handled {
        let now = self.clock.now();
        let (mut counts, mut handled) = (BatchCounts::default(), Handled::default());
        let (mut outcomes, mut is_woken) = (Vec::new(), false);
        for message in messages {
            match OutcomeQueueBody::decode(&message.body) {
                Ok(OutcomeQueueBody::Outcomes(decoded)) => outcomes.push((&message.id, decoded)),
                Ok(OutcomeQueueBody::Wake) => is_woken = true,
                Err(error) => {
                    let message_id = &message.id;
                    tracing::error!(message_id, %error, "message handed back");
                    counts.undecodable += 1;
                    handled.response.add_failure(message_id);
                }
            }
        }
        let runs = gather(outcomes.iter().map(|(_, message)| message));
        let runs: Vec<_> = runs
            .into_iter()
            .map(async |(run, outcomes)| (run, merge_run(&self.store, run, outcomes, now).await))
            .collect();
        let merged: Vec<_> = stream::iter(runs).buffer_unordered(RUNS).collect().await;
        for (id, message) in &outcomes {
            counts.add(message);
            let mut of_run = merged.iter().filter(|(run, _)| *run == message.run);
            if !of_run.all(|(_, merged)| merged.has(message)) {
                counts.handed_back += 1;
                handled.response.add_failure(id.as_str());
            }
        }
        for (run, merged) in &merged {
            counts.conflicts += u64::from(merged.conflicts);
            if self.brake(run, merged, now).await {
                counts.braked += 1;
                is_woken = true;
            }
            // While a canary's outcomes come in, its others may become due.
            is_woken |= merged.tallies.keys().any(|slice| slice.is_canary());
            let messages = outcomes.iter().map(|(_, message)| message);
            self.note_latency(
                run,
                merged,
                messages.filter(|message| message.run == *run),
                now,
            )
            .await;
        }
        if is_woken {
            self.wake(now).await;
        }
        let line = counts.line(&self.settings.function, self.clock.now());
        handled.metrics.push(line);
        handled
    }

    /// Whether the brake has paused the run.
    async fn brake(&self, run: &str, merged: &MergedRun, now: Timestamp) -> bool {
        let tallies = &merged.tallies;
        let look = self.brakes.look(&self.store, &self.runs, run, tallies, now);
        look.await.unwrap_or_else(|error| {
            tracing::error!(run, %error, "brake not asked");
            false
        })
    }

    async fn note_latency(
        &self,
        run: &str,
        merged: &MergedRun,
        messages: impl Iterator<Item = &OutcomeMessage>,
        now: Timestamp,
    ) {
        if merged.tallies.is_empty() {
            return;
        }
        let noted = self.latencies.note(&self.store, run, messages, now);
        if let Err(error) = noted.await {
            tracing::warn!(run, %error, "latency not noted");
        }
    }

    /// Somebody has edited the control object: what follows from it is done at once.
    async fn wake(&self, now: Timestamp) {
        match read_control(&self.store, None).await {
            Ok(control) => {
                let (control, _) = control.unwrap_or_default();
                self.set_mappings_right(&control, now).await;
                let round = self.round(now);
                round.release_all(&control).await;
                if let Err(error) = round.bring_back(&control).await {
                    tracing::error!(%error, "parked queue not looked at");
                }
            }
            Err(error) => tracing::error!(%error, "control object not read"),
        }
    }

    async fn tick(&self) -> Result<Handled, TickError> {
        let now = self.clock.now();
        let stack = &self.settings.stack;
        let control = edit_control(&self.store, |control| {
            let control = Edit::new(control, BY, None, now)?.set_stack(stack.clone())?;
            Edit::new(&control, BY, None, now)?.forget_old()
        });
        let control = control.await.map_err(TickError::Control)?;
        self.set_mappings_right(&control, now).await;
        let counts = self.round(now).look_at_all(&control).await;
        let line = counts.line(&self.settings.function, now);
        Ok(Handled {
            metrics: vec![line],
            ..Handled::default()
        })
    }

    fn round(&self, now: Timestamp) -> Round<'_> {
        Round {
            store: &self.store,
            runs: &self.runs,
            queues: &self.queues,
            lists: &self.lists,
            orders_only: self.orders_only.as_deref(),
            stack: &self.settings.stack,
            now,
        }
    }

    async fn set_mappings_right(&self, control: &Control, now: Timestamp) {
        let notes = Notes {
            store: &self.store,
            control,
            now,
        };
        self.mappings.begin_notes(&notes).await;
        for lane in [Lane::Bulk, Lane::Urgent] {
            let Some(wanted) = control.mapping(lane) else {
                continue;
            };
            match self.mappings.set_right(&notes, lane, wanted).await {
                Ok(Switch::Done { off_since }) if wanted == Mapping::Enabled => {
                    self.leave_mapping_alone(&notes, lane, off_since).await;
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "event source mapping not switched"),
            }
        }
    }

    /// The note goes last. So a pause that begins meanwhile finds its own note.
    async fn leave_mapping_alone(
        &self,
        notes: &Notes<'_>,
        lane: Lane,
        off_since: Option<Timestamp>,
    ) {
        let edited = edit_control(&self.store, |control| {
            Edit::new(control, BY, None, notes.now)?.mapping_is_on(lane)
        });
        if let Err(error) = edited.await {
            tracing::error!(%error, "control object not edited");
            return;
        }
        let Some(off_since) = off_since else { return };
        if let Err(error) = notes.forget(lane, off_since).await {
            tracing::error!(%error, lane = lane.as_str(), "note of the mapping not removed");
        }
    }
}

/// The SDK's settings, and an end for each request: a service that does not answer must hold up no
/// batch for ever. What was asked is asked again with the batch, or at the next tick.
fn impatient(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    config.to_builder().timeout_config(timeouts).build()
}

impl BatchCounts {
    fn add(&mut self, message: &OutcomeMessage) {
        self.outcomes += message.outcomes.len() as u64;
        let oldest = message.outcomes.iter().map(|outcome| outcome.time).min();
        self.oldest = self.oldest.into_iter().chain(oldest).min();
    }
}
