//! The producer and the consumer of a run, and the mappings that feed them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fanline_core::outcome::Outcome;
use fanline_local::Kills;
use fanline_poller::{Poller, PollerOptions};
use fanline_producer::{ProduceError, Producer, Summary};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::exit;
use crate::rehearsal::consumer::Function;
use crate::rehearsal::environment::World;
use crate::rehearsal::faults::Ending;
use crate::rehearsal::progress::{Position, Progress};
use crate::rehearsal::queues;
use crate::report::accounting::{Accounting, FanOutCounts};
use crate::report::dead_letters;
use crate::report::measurements::{Measurements, Recorder};
use crate::report::outcomes::{FirstOutcomes, OutcomeCounts};

/// How many batches of ten the consumer works on at once.
const BATCHES_AT_ONCE: usize = 64;

/// How many slices are fanned out at once.
const SLICES_AT_ONCE: usize = 2;

/// How often the queues are asked whether they are empty.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A channel that is on hold for want of a valid token stays so: nobody has to wait longer for that.
const HELD: Duration = Duration::from_secs(5);

/// What a run came to.
pub(crate) struct Run {
    pub(crate) accounting: Accounting,
    pub(crate) deliveries: u64,
    pub(crate) requests: u64,
    pub(crate) rejects: Vec<String>,
    pub(crate) measurements: Measurements,
    /// Why deliveries were set aside, and how many people that is.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    pub(crate) problem: Option<String>,
}

/// What the producer's invocations have answered so far.
#[derive(Default)]
struct Invocations {
    summaries: Vec<Summary>,
    failed: Option<ProduceError>,
}

/// A producer and a consumer at work.
pub(crate) struct Pipeline<'a> {
    world: &'a World,
    producer: Arc<Producer>,
    invocations: Arc<Mutex<Invocations>>,
    outcomes: Arc<FirstOutcomes>,
    recorder: Arc<Recorder>,
    slices: Poller,
    deliveries: Poller,
    /// Whether the consumer is a binary, whose outcomes are not reported here.
    is_binary: bool,
    give_up_after: Duration,
}

/// Notices that nothing changes.
struct Standstill<T> {
    last: Option<T>,
    since: Instant,
}

impl<T: PartialEq> Standstill<T> {
    fn new() -> Self {
        Self {
            last: None,
            since: Instant::now(),
        }
    }

    /// For how long it has been as it is `now`.
    fn lasts(&mut self, now: T) -> Duration {
        if self.last.as_ref() != Some(&now) {
            self.last = Some(now);
            self.since = Instant::now();
        }
        self.since.elapsed()
    }
}

impl<'a> Pipeline<'a> {
    /// Builds both functions as their Lambdas do, and begins to poll.
    pub(crate) async fn start(world: &'a World, args: &RunArgs) -> anyhow::Result<Self> {
        let outcomes = Arc::new(FirstOutcomes::default());
        let recorder = Arc::new(Recorder::start());
        let invocations = Arc::new(Mutex::new(Invocations::default()));
        let producer = Arc::new(world.producer()?);
        let consumer = if let Some(binary) = &args.consumer {
            Function::of_binary(binary, world, &recorder).await?
        } else {
            let (outcomes, recorder) = (Arc::clone(&outcomes), Arc::clone(&recorder));
            let consumer = world.consumer().await?.with_observer(move |settled| {
                let is_first = outcomes.report(settled);
                let is_accepted = matches!(
                    settled.outcome,
                    Outcome::Accepted | Outcome::AlreadyAccepted
                );
                if is_first && is_accepted {
                    recorder.add_accepted(settled.recipients as u64, 1);
                }
            });
            Function::Here(
                consumer,
                SignedDuration::from_secs(world.patience.invocation.into()),
            )
        };
        let slices = Poller::start(
            world.sqs.clone(),
            PollerOptions {
                batch_size: 1,
                concurrency: SLICES_AT_ONCE,
                ..PollerOptions::new(&world.queues.slices)
            },
            {
                let (producer, invocations) = (Arc::clone(&producer), Arc::clone(&invocations));
                move |event| {
                    let (producer, invocations) = (Arc::clone(&producer), Arc::clone(&invocations));
                    async move {
                        // A slice that fails here fails for good: the producer has already tried again what can be.
                        keep(&invocations, producer.handle(event, None).await);
                        Ok(Value::Null)
                    }
                }
            },
        )
        .await?;
        // Processes are killed by their host; the handler in this process is killed here.
        let kills = match &consumer {
            Function::Here(..) => world.faults.kills.clone(),
            Function::Binary(_) => Kills::default(),
        };
        let deliveries = Poller::start(
            world.sqs.clone(),
            PollerOptions {
                concurrency: BATCHES_AT_ONCE,
                timeout: Some(Duration::from_secs(world.patience.invocation.into())),
                ..PollerOptions::new(&world.queues.deliveries)
            },
            {
                let recorder = Arc::clone(&recorder);
                let faults = world.faults.clone();
                let number = AtomicU64::new(0);
                move |event| {
                    let (consumer, recorder) = (consumer.clone(), Arc::clone(&recorder));
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    let (ending, kills) = (faults.ending(number), kills.clone());
                    let invocation = async move {
                        let answer = consumer.invoke(event, &recorder).await;
                        match ending {
                            Ending::Answer => answer,
                            // For the poller a panic is an error in place of the answer.
                            Ending::Panic => Err("a panic, by --faults".into()),
                            Ending::TimeOut => std::future::pending().await,
                        }
                    };
                    async move { kills.run(number, invocation).await }
                }
            },
        )
        .await?;
        Ok(Self {
            world,
            producer,
            invocations,
            outcomes,
            recorder,
            slices,
            deliveries,
            is_binary: args.consumer.is_some(),
            give_up_after: Duration::from_secs(args.give_up_after),
        })
    }

    /// Fans the campaign out and waits until every delivery has an outcome, or says why it did not wait longer. A list that
    /// can't be used is an [`exit::InputError`] where nothing of it was sent.
    pub(crate) async fn run(&self, file: &CampaignFile) -> anyhow::Result<Option<String>> {
        let progress = Progress::start();
        let watch = async {
            loop {
                progress.show(&self.position(), &self.recorder.speed());
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let ended = tokio::select! {
            ended = self.work(file) => ended,
            never = watch => never,
        };
        progress.end();
        ended
    }

    async fn work(&self, file: &CampaignFile) -> anyhow::Result<Option<String>> {
        keep(
            &self.invocations,
            self.producer.handle(file.event.clone(), None).await,
        );
        self.failed()?;
        let visible_at = file.campaign.deliver_at.unwrap_or(Timestamp::MIN);
        let mut standstill = Standstill::new();
        // Slices first: while one is left there may be deliveries to come.
        for queue in [&self.world.queues.slices, &self.world.queues.deliveries] {
            while !queues::is_empty(&self.world.sqs, queue).await? {
                let position = self.position();
                let (limit, why) = if self.recorder.has_held() {
                    (
                        self.give_up_after.min(HELD),
                        "; sending is on hold: is the token valid?",
                    )
                } else {
                    (self.give_up_after, "")
                };
                let still = standstill.lasts((position.published, position.settled));
                if Timestamp::now() > visible_at && still > limit {
                    return Ok(Some(format!(
                        "for {} s no delivery has come to an outcome{why}; run it again within a day, and only those not yet reached get it",
                        limit.as_secs()
                    )));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        self.failed()?;
        Ok(None)
    }

    /// The error that ends the run early: only where nothing was sent is it the list's or the campaign's alone.
    fn failed(&self) -> anyhow::Result<()> {
        let mut invocations = self.invocations.lock();
        let Some(error) = invocations.failed.take() else {
            return Ok(());
        };
        if self.producer.progress().deliveries() == 0 {
            return Err(exit::producer_error(error));
        }
        invocations.failed = Some(error);
        Ok(())
    }

    fn position(&self) -> Position {
        let progress = self.producer.progress();
        Position {
            rows: progress.rows(),
            published: progress.recipients(),
            settled: match &self.world.line {
                Some(line) if self.is_binary => line.ledger().accepted_recipients,
                _ => self.outcomes.settled(),
            },
            lost: self.outcomes.not_accepted(),
        }
    }

    /// Takes nothing more from the queues, finishes what is in hand, and says what the run came to. `given_up` is why it ended
    /// before its time, if it did.
    pub(crate) async fn end(self, given_up: Option<String>) -> anyhow::Result<Run> {
        self.slices.stop().await;
        self.deliveries.stop().await;
        let dead_letters =
            dead_letters::take_all(&self.world.sqs, &self.world.queues.dead_letters).await?;
        let invocations = self.invocations.lock();
        let all = |count: fn(&Summary) -> u64| invocations.summaries.iter().map(count).sum::<u64>();
        let outcomes = match &self.world.line {
            Some(line) if self.is_binary => {
                OutcomeCounts::from_outside(line.ledger().distinct_recipients, &dead_letters)
            }
            _ => self.outcomes.counts(),
        };
        let fan_out = if given_up.is_some() || invocations.failed.is_some() {
            // The invocation that was cut off has given no summary: the rows it had dealt with are what the sum is of.
            let progress = self.producer.progress();
            FanOutCounts {
                rows: progress.recipients() + progress.rejected() + progress.duplicates(),
                published: progress.recipients(),
                rejected: progress.rejected(),
                duplicates: progress.duplicates(),
            }
        } else {
            FanOutCounts {
                rows: all(|summary| summary.rows),
                published: all(|summary| summary.recipients),
                rejected: all(|summary| summary.rejected),
                duplicates: all(|summary| summary.duplicates),
            }
        };
        let accounting = Accounting::new(fan_out, outcomes);
        let wrong = (!accounting.adds_up())
            .then(|| "the outcomes do not add up to the rows: this is a bug in fanline".to_owned());
        Ok(Run {
            accounting,
            deliveries: self.producer.progress().deliveries(),
            requests: all(|summary| summary.requests),
            rejects: invocations
                .summaries
                .iter()
                .flat_map(|summary| summary.rejects.clone())
                .collect(),
            measurements: self.recorder.measurements(),
            dead_letters,
            problem: given_up
                .or_else(|| invocations.failed.as_ref().map(ToString::to_string))
                .or(wrong),
        })
    }
}

fn keep(invocations: &Mutex<Invocations>, result: Result<Summary, ProduceError>) {
    let mut invocations = invocations.lock();
    match result {
        Ok(summary) => invocations.summaries.push(summary),
        Err(error) => invocations.failed = Some(error),
    }
}
