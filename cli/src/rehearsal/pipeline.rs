//! A run from its start to its report: the producer, the consumer, and the pollers that feed them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanline_consumer::Settled;
use fanline_core::campaign::Campaign;
use fanline_local::{LedgerSummary, LineServer};
use fanline_poller::{Poller, PollerError, PollerOptions};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::exit;
use crate::invocation::bookkeeping::Bookkeeping;
use crate::rehearsal::consumer::{ConsumerFunction, FaultyConsumer};
use crate::rehearsal::control::{ControlOfRun, Pause};
use crate::rehearsal::early_end::EarlyEnd;
use crate::rehearsal::environment::RunEnvironment;
use crate::rehearsal::fan_out::FanOut;
use crate::rehearsal::handed_over::HandedOver;
use crate::rehearsal::progress::{Position, Progress};
use crate::rehearsal::queues;
use crate::rehearsal::standstill::Standstill;
use crate::report::accounting::Accounting;
use crate::report::dead_letters;
use crate::report::facts::RunFacts;
use crate::report::measurements::Recorder;
use crate::report::outcomes::{FirstOutcomes, OutcomeCounts};
use crate::report::run_report::RunReport;

/// The most batches of ten that the consumer works on at the same time.
const MAX_BATCHES: usize = 64;

/// The most slices that the producer works on at the same time.
const MAX_SLICES: usize = 2;

/// The bookkeeper's batches wait so long for more outcomes.
const BOOK_WINDOW: Duration = Duration::from_secs(1);

/// Outcomes reach the ledger within seconds, and after a fault when they come again.
const MAX_DRAIN: Duration = Duration::from_mins(2);
const NOT_KEPT: &str = "not every outcome could be written into the record of the run";

/// The time between two looks at the queues.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The time between two looks at a canary.
const CANARY_INTERVAL: Duration = Duration::from_millis(500);

/// A run that stands still for so long may be paused.
const PAUSE_SHOWS: Duration = Duration::from_secs(1);

/// A producer and a consumer at work.
pub(crate) struct Pipeline<'a> {
    environment: &'a RunEnvironment,
    fan_out: Arc<FanOut>,
    outcomes: Arc<FirstOutcomes>,
    recorder: Arc<Recorder>,
    handed_over: Arc<HandedOver>,
    slices: Poller,
    deliveries: Poller,
    bookkeeping: Bookkeeping,
    /// Whether the consumer is a binary. Its outcomes are not reported to this process.
    is_binary: bool,
    give_up_after: Duration,
    facts: RunFacts,
}

impl<'a> Pipeline<'a> {
    /// Makes both functions as their Lambdas do, and begins to poll.
    pub(crate) async fn start(
        environment: &'a RunEnvironment,
        args: &RunArgs,
        run: &str,
    ) -> anyhow::Result<Self> {
        // Before the first delivery: the bookkeeper says in the control object where its queue is.
        let bookkeeping = keep_books(environment, run).await?;
        let fan_out = Arc::new(FanOut::new(environment.producer()?));
        let outcomes = Arc::new(FirstOutcomes::default());
        let recorder = Arc::new(Recorder::start());
        let handed_over = Arc::new(HandedOver::default());
        let consumer = match &args.consumer {
            Some(binary) => ConsumerFunction::of_binary(binary, environment, &recorder).await?,
            None => consumer_in_process(environment, &outcomes, &recorder).await?,
        };
        Ok(Self {
            slices: poll_slices(environment, &fan_out).await?,
            deliveries: poll_deliveries(environment, consumer, &handed_over).await?,
            bookkeeping,
            environment,
            fan_out,
            outcomes,
            recorder,
            handed_over,
            is_binary: args.consumer.is_some(),
            give_up_after: Duration::from_secs(args.give_up_after),
            facts: RunFacts::begin(args),
        })
    }

    /// Fans the campaign out and waits until each delivery has an outcome, or gives the reason why
    /// it did not wait longer. A list that can't be used is an [`exit::InputError`] where nothing
    /// of it was sent.
    pub(crate) async fn run(&self, file: &CampaignFile) -> anyhow::Result<Option<EarlyEnd>> {
        let progress = Progress::start();
        let show = async {
            loop {
                progress.show(&self.position(), &self.recorder.speed());
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        let result = tokio::select! {
            result = self.fan_out_and_wait(file) => result,
            never = show => never,
        };
        result
    }

    async fn fan_out_and_wait(&self, file: &CampaignFile) -> anyhow::Result<Option<EarlyEnd>> {
        self.fan_out.invoke(file.event.clone()).await;
        self.check_fan_out()?;
        let early_end = self.wait_for_end(file).await?;
        if early_end.is_none() {
            self.check_fan_out()?;
        }
        Ok(early_end)
    }

    /// An error of the producer ends the run at once where nothing was published.
    fn check_fan_out(&self) -> anyhow::Result<()> {
        match self.fan_out.error_before_publishing() {
            Some(error) => Err(exit::producer_error(error)),
            None => Ok(()),
        }
    }

    /// Waits until nothing is on the queues, and nobody is held back by a canary.
    async fn wait_for_end(&self, file: &CampaignFile) -> anyhow::Result<Option<EarlyEnd>> {
        let mut control = ControlOfRun::new(&self.environment.runs, file)?;
        let mut standstill = Standstill::new(self.moves(), Instant::now());
        let max_wait = self.give_up_after + control.canary_wait();
        loop {
            // Before the look at the queues: the others come onto them first.
            let holds_back = control.holds_back().await?;
            let early_end = self.wait_for_empty_queues(&file.campaign, &mut control);
            let early_end = early_end.await?;
            if early_end.is_some() || !holds_back || self.fan_out.has_failed() {
                return Ok(early_end);
            }
            match control.pause().await? {
                Some(Pause::NobodyResumes) => return Ok(Some(EarlyEnd::Braked)),
                Some(Pause::Waits) => standstill = Standstill::new(self.moves(), Instant::now()),
                None => control.tell_canary(),
            }
            if standstill.lasts(self.moves(), Instant::now()) > max_wait {
                return Ok(Some(EarlyEnd::NoProgress(max_wait)));
            }
            self.bookkeeping.wake().await;
            tokio::time::sleep(CANARY_INTERVAL).await;
        }
    }

    async fn wait_for_empty_queues(
        &self,
        campaign: &Campaign,
        control: &mut ControlOfRun<'_>,
    ) -> anyhow::Result<Option<EarlyEnd>> {
        let visible_at = campaign.deliver_at.unwrap_or(Timestamp::MIN);
        let mut standstill = Standstill::new(self.moves(), Instant::now());
        // Slices first: a slice on its queue can still become deliveries.
        let queues = &self.environment.queues;
        for queue in [&queues.slices, &queues.deliveries] {
            while queues::waiting(&self.environment.sqs, queue).await? > 0 {
                let lasted = standstill.lasts(self.moves(), Instant::now());
                if lasted > PAUSE_SHOWS {
                    match control.pause().await? {
                        Some(Pause::NobodyResumes) => return Ok(Some(EarlyEnd::Braked)),
                        Some(Pause::Waits) => {
                            standstill = Standstill::new(self.moves(), Instant::now());
                        }
                        None => {}
                    }
                }
                let is_held = self.recorder.is_held();
                let early_end = EarlyEnd::after(lasted, self.give_up_after, is_held);
                if early_end.is_some() && Timestamp::now() > visible_at {
                    // Copies alone may be left, which SQS hides for a while again and again.
                    let is_settled = control.is_settled().await?;
                    return Ok(early_end.filter(|_| !is_settled));
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
        Ok(None)
    }

    /// What changes as long as the run moves.
    fn moves(&self) -> (u64, u64, u64) {
        let position = self.position();
        // A slice that came twice leaves copies on the queue, whose people are settled already.
        let reports = self.outcomes.reports();
        (position.published, position.settled, reports)
    }

    fn position(&self) -> Position {
        let progress = self.fan_out.progress();
        Position {
            rows: progress.rows(),
            published: progress.recipients(),
            settled: match &self.environment.line {
                Some(line) if self.is_binary => line.ledger().accepted_recipients,
                _ => self.outcomes.settled(),
            },
            not_accepted: self.outcomes.not_accepted(),
        }
    }

    /// Stops both pollers, lets the consumer answer for what it has in hand, and reports the run.
    ///
    /// Where the run ends early, the producer stops in the middle of a slice: it would publish, and
    /// the consumer send, until the slice is through.
    pub(crate) async fn finish(
        self,
        campaign: &Campaign,
        early_end: Option<EarlyEnd>,
    ) -> anyhow::Result<RunReport> {
        let seconds = self.recorder.elapsed().as_secs_f64();
        if early_end.is_some() {
            drop(self.slices);
        } else {
            self.slices.stop().await;
        }
        self.deliveries.stop().await;
        let environment = self.environment;
        let is_kept = is_drained(environment).await?;
        self.bookkeeping.stop().await;
        let dead_queue = &environment.queues.dead_letters;
        let mut dead_letters = dead_letters::take_all(&environment.sqs, dead_queue).await?;
        let run = campaign.run();
        dead_letters
            .find_rows(&environment.runs.store(), &run)
            .await;
        let ledger = environment.line.as_ref().map(LineServer::ledger);
        let outcomes = match &ledger {
            Some(ledger) if self.is_binary => {
                OutcomeCounts::from_outside(ledger.distinct_recipients, &dead_letters.recipients)
            }
            _ => self.outcomes.counts(),
        };
        let fan_out = self.fan_out.totals(early_end.is_some());
        let handed_over = self.handed_over.recipients();
        let accounting = Accounting::new(fan_out.counts, handed_over, outcomes);
        let queue = &environment.queues.deliveries;
        let queue = environment.keeps_queues().then_some(queue.as_str());
        let bug = "the terms do not add up to the rows: this is a bug in fanline";
        let is_live = environment.is_live();
        Ok(RunReport {
            run,
            facts: self.facts.end(campaign, ledger.as_ref()),
            channel: campaign.channel.as_str(),
            live: is_live,
            deliveries: fan_out.deliveries,
            queue_requests: fan_out.queue_requests,
            seconds,
            measurements: self.recorder.measurements(),
            dead_letters: dead_letters.recipients,
            reasons: dead_letters.reasons,
            rejects: fan_out.rejects,
            not_reached: None,
            problem: early_end
                .map(|early_end| early_end.with_cure(is_live, queue))
                .or(fan_out.error)
                .or_else(|| doubled(ledger.as_ref()))
                .or_else(|| (!accounting.adds_up()).then(|| bug.to_owned()))
                .or_else(|| (!is_kept).then(|| NOT_KEPT.to_owned())),
            line: ledger.map(Into::into),
            accounting,
        })
    }
}

async fn keep_books(environment: &RunEnvironment, run: &str) -> anyhow::Result<Bookkeeping> {
    let bookkeeper = environment.bookkeeper(run)?;
    let (sqs, queue) = (environment.sqs.clone(), &environment.queues.outcomes);
    Ok(Bookkeeping::start(bookkeeper, sqs, queue, BOOK_WINDOW, |_| ()).await?)
}

/// Whether every outcome is in the ledger. What is not there is asked again when the run goes on.
async fn is_drained(environment: &RunEnvironment) -> anyhow::Result<bool> {
    let end = Instant::now() + MAX_DRAIN;
    while queues::waiting(&environment.sqs, &environment.queues.outcomes).await? > 0 {
        if Instant::now() > end {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Ok(true)
}

/// The problem of a run whose simulated LINE sent somebody a message twice.
fn doubled(line: Option<&LedgerSummary>) -> Option<String> {
    let people = line?.duplicates;
    (people > 0).then(|| format!("{people} people got their message twice"))
}

async fn consumer_in_process(
    environment: &RunEnvironment,
    outcomes: &Arc<FirstOutcomes>,
    recorder: &Arc<Recorder>,
) -> anyhow::Result<ConsumerFunction> {
    let (outcomes, measured) = (Arc::clone(outcomes), Arc::clone(recorder));
    let observer = move |settled: &Settled| {
        if outcomes.report(settled) {
            measured.add_settled(settled.outcome, settled.recipients as u64);
        }
    };
    Ok(ConsumerFunction::InProcess {
        consumer: environment.consumer().await?.with_observer(observer),
        timeout: SignedDuration::try_from(environment.timeouts.invocation)?,
        recorder: Arc::clone(recorder),
    })
}

async fn poll_slices(
    environment: &RunEnvironment,
    fan_out: &Arc<FanOut>,
) -> Result<Poller, PollerError> {
    let options = PollerOptions {
        batch_size: 1,
        concurrency: MAX_SLICES,
        ..PollerOptions::new(&environment.queues.slices)
    };
    let fan_out = Arc::clone(fan_out);
    let function = move |event| {
        let fan_out = Arc::clone(&fan_out);
        async move {
            fan_out.invoke(event).await;
            Ok(Value::Null)
        }
    };
    Poller::start(environment.sqs.clone(), options, function).await
}

/// Polls with the faults around the consumer where there are any. Otherwise no code that injects
/// faults is between the queue and the consumer.
async fn poll_deliveries(
    environment: &RunEnvironment,
    consumer: ConsumerFunction,
    handed_over: &Arc<HandedOver>,
) -> Result<Poller, PollerError> {
    let options = PollerOptions {
        concurrency: MAX_BATCHES,
        timeout: Some(environment.timeouts.invocation),
        ..PollerOptions::new(&environment.queues.deliveries)
    };
    let sqs = environment.sqs.clone();
    let handed_over = Arc::clone(handed_over);
    if environment.faults.any() {
        let consumer = Arc::new(FaultyConsumer::new(consumer, environment.faults.clone()));
        let function = move |event| {
            handed_over.add(&event);
            Arc::clone(&consumer).invoke(event)
        };
        Poller::start(sqs, options, function).await
    } else {
        let function = move |event| {
            handed_over.add(&event);
            consumer.clone().invoke(event)
        };
        Poller::start(sqs, options, function).await
    }
}
