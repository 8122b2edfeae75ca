//! One batch in, a partial batch response out: only what must come again is in it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanline_core::campaign::Lane;
use fanline_core::surroundings::{Clock, Surroundings};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::batch::{
    Batch, BatchCounts, Observer, Settled, Settlement, Turns, change_queue, delete_settled,
    record_outcomes, turns,
};
use crate::channel::http::HttpClient;
#[cfg(feature = "simulation")]
use crate::channel::http::in_process::InProcess;
use crate::channel::pace::PartOfPace;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::sqs::record::{Record, Row};

/// Kept back at an invocation's end for dead letters, outcome messages, changes of visibility and
/// the response.
const MARGIN: Duration = Duration::from_secs(3);
/// Kept back of that for outcome messages and what comes after them. What is not settled then is
/// handed back as it is.
const MARGIN_TO_RECORD: SignedDuration = SignedDuration::from_millis(1_800);
/// Kept back of that for changes of visibility and the response.
const MARGIN_TO_HIDE: SignedDuration = SignedDuration::from_millis(800);
/// Outcome messages take no longer, even where an invocation has the time. What they could not say
/// comes again, and as long as its run is paused it waits.
const MAX_RECORD: Duration = Duration::from_secs(5);
/// Kept back of that for the response alone.
const MARGIN_TO_RESPOND: SignedDuration = SignedDuration::from_millis(300);

/// The consumer of one environment. Its clients, token, paces and hold live as long as it does.
#[derive(Clone)]
pub struct Consumer {
    environment: Arc<Environment>,
    observer: Observer,
}

/// Why there can be no consumer.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no HTTP client.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
}

/// What a batch came to.
#[derive(Debug)]
pub struct Handled {
    /// The records that must come again. All others may be deleted.
    pub response: SqsBatchResponse,
    /// What the batch came to.
    pub counts: BatchCounts,
    /// Lines for CloudWatch, one JSON object each. Print them as they are.
    pub metrics: Vec<String>,
}

impl Consumer {
    /// A consumer with its clients. The token is read already, if there is one.
    pub async fn new(settings: Settings, config: &SdkConfig) -> Result<Self, StartError> {
        let http = HttpClient::new(settings.request_timeout).map_err(StartError::Http)?;
        let surroundings = Surroundings::default();
        // On the heap: the future has those of all clients in it.
        let environment = Environment::start(settings, config, http, surroundings);
        Ok(Self::of(Box::pin(environment).await))
    }

    fn of(environment: Environment) -> Self {
        Self {
            environment: Arc::new(environment),
            observer: Arc::new(|_| ()),
        }
    }

    /// The same with the simulation's clock and random numbers. Requests to a channel go to
    /// `far_end` and not over the network.
    #[cfg(feature = "simulation")]
    pub async fn in_simulation(
        settings: Settings,
        config: &SdkConfig,
        surroundings: Surroundings,
        far_end: InProcess,
    ) -> Self {
        let http = HttpClient::in_process(far_end, settings.request_timeout);
        let environment = Environment::start(settings, config, http, surroundings);
        Self::of(Box::pin(environment).await)
    }

    /// Calls `observer` for each delivery, or part of one, that has its final outcome.
    #[must_use]
    pub fn with_observer(self, observer: impl Fn(&Settled) + Send + Sync + 'static) -> Self {
        Self {
            observer: Arc::new(observer),
            ..self
        }
    }

    /// Whether it is worth while to take more records from the queue of a lane. During a hold it is
    /// not: the batch in hand waits, and makes the probes.
    pub fn takes_more(&self, lane: Lane) -> bool {
        self.environment.takes_more(lane)
    }

    /// Holds the lease of a worker that shares LINE's limits with others, until it is dropped: run
    /// it beside the batches. Before the first lease nothing is sent. Where the settings say a
    /// share, there is nothing to do.
    pub async fn hold_lease(&self) -> Infallible {
        match &self.environment.lease {
            Some(lease) => Box::pin(lease.keep(|part| self.environment.use_part(part))).await,
            None => std::future::pending().await,
        }
    }

    /// Gives the lease back. Call it when no batch is in hand and none will be.
    pub async fn give_lease_back(&self) {
        if let Some(lease) = &self.environment.lease {
            self.environment.use_part(PartOfPace::NOTHING);
            Box::pin(lease.give_back()).await;
        }
    }

    /// Works through a batch. It ends before `deadline`, and hands back what there was no time for.
    ///
    /// A record is left out of the response only when each of its recipients has an outcome.
    /// Everything else, a panic included, is a batch item failure of that record alone.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Handled {
        let records: Vec<Arc<Record>> = event
            .records
            .into_iter()
            .enumerate()
            .map(|(position, record)| Arc::new(Record::of(position, record)))
            .collect();
        let latest = self.latest_departure(deadline);
        let clock = &self.environment.surroundings.clock;
        if latest < clock.now() && !records.is_empty() {
            tracing::error!(
                "no request can be made: the function's timeout is not longer than \
                 `REQUEST_TIMEOUT_SECONDS` and 3 s"
            );
        }
        let invocation = self.environment.begin();
        let environment = Arc::clone(&self.environment);
        let batch = Arc::new(Batch::new(environment, Arc::clone(&self.observer), latest));
        let settle = settle_all(&batch, &records, deadline, clock);
        let mut settlements = tokio::select! {
            biased;
            settlements = settle => settlements,
            never = self.environment.controls.keep_read() => match never {},
        };
        let time = room(deadline, MARGIN_TO_HIDE, clock).min(MAX_RECORD);
        // On the heap, as is the next one: their futures have those of a client in them.
        Box::pin(record_outcomes(&batch, &records, &mut settlements, time)).await;
        let change = change_queue(batch.queue(), &records, &settlements, clock.now());
        let change = Box::pin(change);
        if let Err(error) =
            tokio::time::timeout(room(deadline, MARGIN_TO_RESPOND, clock), change).await
        {
            tracing::warn!(%error, "visibility timeout not changed");
        }
        batch.rest().await;
        let unpaid = invocation.unpaid();
        tokio::time::sleep(unpaid.min(room(deadline, MARGIN_TO_RESPOND, clock))).await;
        drop(invocation);
        Handled {
            response: response(&records, &settlements),
            counts: batch.counts(),
            metrics: batch.metrics(clock.now()),
        }
    }

    /// A request that departs later might outlast the invocation.
    fn latest_departure(&self, deadline: Timestamp) -> Timestamp {
        let kept_back = self
            .environment
            .settings
            .request_timeout
            .saturating_add(MARGIN);
        deadline.checked_sub(kept_back).unwrap_or(Timestamp::MIN)
    }
}

/// Settles the records, all rows at the same time but those that go in turn. It gives up shortly
/// before `deadline`.
async fn settle_all(
    batch: &Arc<Batch>,
    records: &[Arc<Record>],
    deadline: Timestamp,
    clock: &Clock,
) -> Vec<Settlement> {
    batch.read(records).await;
    let settlements = Arc::new(Mutex::new(vec![Settlement::Untouched; records.len()]));
    let Turns { at_once, in_turn } = turns(records);
    let mut tasks = settle_rows(batch, at_once, &settlements);
    let groups = settle_in_turn(Arc::clone(batch), in_turn, Arc::clone(&settlements));
    tasks.spawn(groups.in_current_span());
    let all = ended(&mut tasks);
    if tokio::time::timeout(room(deadline, MARGIN_TO_RECORD, clock), all)
        .await
        .is_err()
    {
        let settlements = settlements.lock();
        let untouched = settlements
            .iter()
            .filter(|settlement| **settlement == Settlement::Untouched);
        let records = untouched.count();
        tracing::error!(
            cause = "the invocation's time is up",
            records,
            "record handed back"
        );
    }
    settlements.lock().clone()
}

/// Settles one group of rows after the other. If what is settled can't be deleted, the next groups
/// are left as they are.
async fn settle_in_turn(
    batch: Arc<Batch>,
    groups: Vec<Vec<Row>>,
    settlements: Arc<Mutex<Vec<Settlement>>>,
) {
    let mut groups = groups.into_iter().peekable();
    while let Some(group) = groups.next() {
        let (positions, records): (Vec<usize>, Vec<Arc<Record>>) =
            group.iter().flatten().cloned().unzip();
        ended(&mut settle_rows(&batch, group, &settlements)).await;
        let settled: Vec<Settlement> = {
            let all = settlements.lock();
            positions
                .iter()
                .filter_map(|at| all.get(*at).copied())
                .collect()
        };
        let has_next = groups.peek().is_some();
        if has_next && !delete_settled(batch.queue(), &records, &settled).await {
            return;
        }
    }
}

/// A task for each row.
fn settle_rows(
    batch: &Arc<Batch>,
    rows: Vec<Row>,
    settlements: &Arc<Mutex<Vec<Settlement>>>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for row in rows {
        // On the heap: a task moves its future several times.
        let row = Box::pin(settle_row(Arc::clone(batch), row, Arc::clone(settlements)));
        // In the runtime's span, which names the invocation.
        tasks.spawn(row.in_current_span());
    }
    tasks
}

/// Waits until all tasks have ended.
async fn ended(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if ended.is_err_and(|error| error.is_panic()) {
            tracing::error!(cause = "panic", "record handed back");
        }
    }
}

async fn settle_row(batch: Arc<Batch>, row: Row, settlements: Arc<Mutex<Vec<Settlement>>>) {
    let mut settlement = Settlement::Acknowledge;
    for (position, record) in row {
        // What follows a failure in its FIFO group would overtake it. So it is not tried, and it
        // waits as long as the first one: until all of them are visible, the group stands still.
        if settlement == Settlement::Acknowledge {
            settlement = batch.settle(&record).await;
        }
        if let Some(place) = settlements.lock().get_mut(position) {
            *place = settlement;
        }
    }
}

fn response(records: &[Arc<Record>], settlements: &[Settlement]) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for (record, settlement) in records.iter().zip(settlements) {
        if *settlement != Settlement::Acknowledge {
            // Nothing can name a record without an ID. With an empty name Lambda takes the whole
            // batch back, and no other answer would keep the record.
            // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
            response.add_failure(record.message_id.clone().unwrap_or_default());
        }
    }
    response
}

/// The time until `margin` before `deadline`; none if that has passed.
fn room(deadline: Timestamp, margin: SignedDuration, clock: &Clock) -> Duration {
    let room = deadline.duration_since(clock.now()) - margin;
    room.max(SignedDuration::ZERO).unsigned_abs()
}
