//! The world of a run: it is built from the plan, runs to its end, and is looked at.
//!
//! # Layout
//! - `queues`: makes the queues, and reads what is left on them
//! - `consumers`: the environments and the invocations; `runner`: what calls them; `group`: workers
//!   that come and go
//! - `producers`: firings and slices
//! - `ledger`: the bookkeeper and the operator

mod consumers;
mod group;
mod ledger;
mod producers;
mod queues;
mod runner;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fanline_core::surroundings::{Random, Surroundings};
use fanline_local::{
    Clock, InProcessLine, InProcessQueues, LineOptions, QueueCounts, QueueOptions,
};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;

use crate::lists::{list, list_path};
use crate::log::{Happened, Log};
use crate::network::{AWS, Death, Moment, Network, Objects, Process, SharedNetwork, builder};
use crate::person::person;
use crate::plan::Plan;
use crate::time::VirtualTime;

pub(crate) use ledger::Books;
pub(crate) use queues::Leftovers;

/// The queue is looked at so often while something can be received or is in hand.
const SAMPLE: Duration = Duration::from_secs(1);
/// And so often while everything waits.
const SLOW_SAMPLE: Duration = Duration::from_secs(5);

/// A run that is over.
pub(crate) struct Ended {
    pub happened: Happened,
    pub leftovers: Leftovers,
    pub books: Vec<Books>,
    pub line: InProcessLine,
    pub lasted: Duration,
    /// How many requests each process made, in the order of their starts.
    pub process_requests: Vec<u64>,
}

/// What all parts of the world share.
pub(crate) struct World {
    pub plan: Plan,
    pub network: SharedNetwork,
    pub names: queues::QueueNames,
    /// Draws of the world itself: deaths, skews, seeds.
    random: Mutex<StdRng>,
    processes: Mutex<Vec<Process>>,
    /// Consumers that have a batch in hand.
    busy: AtomicU32,
    /// Firings and slices that are worked on, and firings that are still to come.
    productions: AtomicU32,
    production_ended: Notify,
}

impl World {
    /// The world at the beginning of the run.
    pub(crate) fn build(plan: &Plan) -> Arc<Self> {
        let time = VirtualTime::begin(plan.start);
        let clock = Clock::running_from(plan.start);
        let mut random = StdRng::seed_from_u64(plan.seed);
        let queues = InProcessQueues::new(
            AWS,
            QueueOptions {
                clock: clock.clone(),
                faults: plan.queue_faults.clone(),
                max_in_flight: plan.queue.max_in_flight,
                ..QueueOptions::default()
            },
        );
        let names = queues::QueueNames::of(plan);
        let network = Arc::new(Network {
            time,
            log: Log::new(time),
            line: line(plan, clock),
            objects: objects(plan),
            spells: plan.line.spells.clone(),
            store_down: plan
                .ledger
                .iter()
                .flat_map(|ledger| ledger.store_down.clone())
                .collect(),
            http: builder(),
            deliveries: names.lanes().map(|(_, name)| name.clone()).collect(),
            filled: Notify::new(),
            roads: plan.roads,
            random: Network::random(random.random()),
            queues,
        });
        Arc::new(Self {
            plan: plan.clone(),
            network,
            names,
            random: Mutex::new(random),
            processes: Mutex::default(),
            busy: AtomicU32::new(0),
            productions: AtomicU32::new(0),
            production_ended: Notify::new(),
        })
    }

    /// Runs until everything has its outcome, or the plan's time is over.
    pub(crate) async fn run(self: Arc<Self>) -> Ended {
        queues::create(&self.network, &self.plan, &self.names).await;
        let producers = producers::start(&self).await;
        let consumers = runner::start(&self);
        let ledger = ledger::start(&self).await;
        let lasts = self.plan.lasts;
        let over = tokio::time::timeout(lasts, self.settled()).await;
        let lasted = Duration::from_millis(self.network.time.millis());
        drop((producers, consumers, ledger));
        drop(over);
        Ended {
            books: ledger::books(&self).await,
            leftovers: queues::leftovers(&self.network, &self.names).await,
            happened: self.network.log.take(),
            line: self.network.line.clone(),
            process_requests: self
                .processes
                .lock()
                .iter()
                .map(Process::requests)
                .collect(),
            lasted,
        }
    }

    /// Returns when nothing is left to do. Looks at the queue on the way.
    async fn settled(&self) {
        loop {
            let counts = self.waiting();
            let busy = self.busy.load(Ordering::Relaxed);
            self.network.log.sampled(counts, busy);
            let is_empty = counts == QueueCounts::default() && busy == 0;
            let has_more = self.productions.load(Ordering::Relaxed) > 0
                || self.network.counts(&self.names.slices) != QueueCounts::default()
                || self.network.counts(queues::OUTCOMES) != QueueCounts::default()
                || self.network.counts(queues::PARKED) != QueueCounts::default();
            match (is_empty, has_more) {
                (true, false) => return,
                (true, true) => self.something_new().await,
                (false, _) if counts.visible == 0 && busy == 0 => {
                    tokio::time::sleep(SLOW_SAMPLE).await;
                }
                (false, _) => tokio::time::sleep(SAMPLE).await,
            }
        }
    }

    /// What is on the delivery queues together.
    fn waiting(&self) -> QueueCounts {
        let mut sum = QueueCounts::default();
        for (_, name) in self.names.lanes() {
            let counts = self.network.counts(name);
            sum.visible += counts.visible;
            sum.in_flight += counts.in_flight;
            sum.delayed += counts.delayed;
        }
        sum
    }

    async fn something_new(&self) {
        tokio::select! {
            biased;
            () = self.network.filled.notified() => {}
            () = self.production_ended.notified() => {}
        }
    }

    /// A new process, which may be one of those that die.
    fn process(&self) -> Process {
        let mut processes = self.processes.lock();
        let number = u32::try_from(processes.len()).expect("not so many processes");
        let deaths = self.plan.deaths;
        let exact = deaths.exact.filter(|(process, _)| *process == number);
        let death = exact
            .map(|(_, death)| death)
            .or_else(|| self.death(self.plan.deaths.rate));
        let process = Process::new(number, death);
        processes.push(process.clone());
        process
    }

    /// A process of the bookkeeper. It is not counted with the others.
    fn bookkeeper_process(&self) -> Process {
        let ledger = self.plan.ledger.as_ref();
        let rate = ledger.map_or(0.0, |ledger| ledger.bookkeeper_deaths);
        Process::new(u32::MAX, self.death(rate))
    }

    /// At which request the next process dies.
    fn death(&self, rate: f64) -> Option<Death> {
        if rate <= 0.0 {
            return None;
        }
        let mut random = self.random.lock();
        let moment = Moment::ALL[random.random_range(0..Moment::ALL.len())];
        // Geometric: each request has the same chance.
        let draw: f64 = random.random();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number; `as` saturates"
        )]
        let request = ((1.0 - draw).ln() / (1.0 - rate).ln()) as u64;
        Some(Death { request, moment })
    }

    /// Clock and random numbers of a new process.
    fn surroundings(&self) -> Surroundings {
        let mut random = self.random.lock();
        let most = i64::try_from(self.plan.consumers.skew.as_millis()).expect("a small skew");
        let skew = SignedDuration::from_millis(random.random_range(-most..=most));
        Surroundings {
            clock: self.network.time.clock(skew),
            random: Random::seeded(random.random()),
        }
    }

    fn draw(&self, least: u64, most: u64) -> u64 {
        self.random.lock().random_range(least..=most)
    }
}

/// A process that nothing kills: a part of AWS.
fn service() -> Process {
    Process::new(u32::MAX, None)
}

fn line(plan: &Plan, clock: Clock) -> InProcessLine {
    let unknown = plan.line.unknown.iter();
    let unknown = unknown.map(|number| person(fanline_core::channel::Channel::Line, *number));
    let options = LineOptions {
        clock,
        monthly_quota: plan.line.quota,
        unknown: unknown.collect(),
        faults: plan.line.faults.clone(),
        ..LineOptions::default()
    };
    InProcessLine::new(options).expect("the plan's faults are possible")
}

fn objects(plan: &Plan) -> Objects {
    let objects = Objects::default();
    for campaign in &plan.campaigns {
        objects.put(&list_path(campaign), list(campaign));
    }
    objects
}
