//! What a run is: everything that happens to it is decided before it begins.
//!
//! # Layout
//! - `draw`: a plan from a seed
//! - `ledger`: the ledger and the operator

mod draw;
mod ledger;

use std::time::Duration;

use fanline_core::campaign::Lane;
use fanline_core::channel::Channel;
use fanline_local::{LineFaults, QueueFaults};
use jiff::Timestamp;

use crate::network::{Death, Roads, Spell};

pub use ledger::{LedgerPlan, Order};

/// One run. The same plan always gives the same run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of every draw: latencies, back-offs, deaths and faults.
    pub seed: u64,
    /// What happens in it, in words.
    pub mishaps: Vec<&'static str>,
    /// The time of day at the beginning.
    pub start: Timestamp,
    /// The run ends when everything has its outcome, and at this time at the latest.
    pub lasts: Duration,
    /// The delivery queue.
    pub queue: QueuePlan,
    /// The consumers.
    pub consumers: ConsumerPlan,
    /// The producers.
    pub producers: ProducerPlan,
    /// What is sent, to whom and when.
    pub campaigns: Vec<CampaignPlan>,
    /// LINE.
    pub line: LinePlan,
    /// What goes wrong at the queues.
    pub queue_faults: QueueFaults,
    /// Which processes die.
    pub deaths: Deaths,
    /// How long requests travel.
    pub roads: Roads,
    /// The ledger with its bookkeeper and operator. `None`: the consumers tell nobody.
    pub ledger: Option<LedgerPlan>,
}

/// The delivery queue and its redrive policy.
#[derive(Clone, Copy, Debug)]
pub struct QueuePlan {
    /// Whether it is a FIFO queue.
    pub is_fifo: bool,
    /// Its visibility timeout in seconds.
    pub visibility: u64,
    /// How often a message is received before it goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// How many messages can be in flight. A small run has a small number.
    pub max_in_flight: usize,
}

/// The consumers.
#[derive(Clone, Debug)]
pub struct ConsumerPlan {
    /// What calls them.
    pub runner: Runner,
    /// `MaximumConcurrency`, or the worker's calls at the same time.
    pub concurrency: usize,
    /// The workers of a group.
    pub stays: Vec<Stay>,
    /// `UrgentConcurrency`, where there is an urgent lane; 0 where there is none.
    pub urgent: usize,
    /// How many records an invocation gets at most.
    pub batch_size: usize,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Environments of a function that are warm at the beginning, more than `concurrency` perhaps.
    pub warm: usize,
    /// New numbers for `MaximumConcurrency`, and when they are deployed.
    pub changes: Vec<(Duration, usize)>,
    /// `RETRY_BASE_SECONDS`.
    pub retry_base: Duration,
    /// The clock of a process is wrong by this at most.
    pub skew: Duration,
}

/// What calls the consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// Lambda: an invocation takes a warm environment, or starts one.
    Lambda(WarmOrder),
    /// `fanline worker`: one process with one consumer.
    Worker,
    /// `fanline worker --share-pace`: workers that come and go, as the plan's `stays` say. The plan
    /// needs a ledger, because the leases are in its store.
    Group,
}

/// The time that a worker of a group is there.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// When it starts.
    pub from: Duration,
    /// When and how it ends. `None`: it stays.
    pub end: Option<(Duration, StayEnd)>,
}

/// How a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StayEnd {
    /// By SIGTERM: it finishes what it has in hand.
    Stops,
    /// In the middle.
    Dies,
}

/// Which warm environment an invocation takes. Lambda does not document it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmOrder {
    /// The one that was used last.
    Last,
    /// The one that has rested longest.
    Turns,
    /// Any.
    Any,
}

/// The producers.
#[derive(Clone, Copy, Debug)]
pub struct ProducerPlan {
    /// How long an invocation may take.
    pub timeout: Duration,
    /// `SLICE_BYTES`.
    pub slice_bytes: u64,
    /// `MaximumConcurrency` of the slice queue.
    pub concurrency: usize,
    /// After a firing that failed, a person repeats it after this time.
    pub repeat_after: Duration,
}

/// A campaign and its firings.
#[derive(Clone, Debug)]
pub struct CampaignPlan {
    /// Its id.
    pub id: String,
    /// Its channel.
    pub channel: Channel,
    /// Its lane.
    pub lane: Lane,
    /// The number of the first person of its list.
    pub first_person: u32,
    /// How many people it is for.
    pub people: u32,
    /// How many of them get the same messages. 1: every request is a push.
    pub alike: u32,
    /// How many people are listed twice.
    pub doubled: u32,
    /// How many rows of the list can't be sent.
    pub bad_rows: u32,
    /// How long after the first firing it expires.
    pub expires_after: Option<Duration>,
    /// Its firings.
    pub firings: Vec<FiringPlan>,
}

/// A firing of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct FiringPlan {
    /// When.
    pub at: Duration,
    /// The `scheduled_time`, as a time since the beginning of the run.
    pub scheduled: Option<Duration>,
    /// Whether it repeats the firing before it, so that nobody gets anything anew.
    pub is_repeat: bool,
    /// `SLICE_BYTES` at this firing, if it is another than before.
    pub slice_bytes: Option<u64>,
}

/// LINE.
#[derive(Clone, Debug)]
pub struct LinePlan {
    /// How many pushes a second LINE takes from the channel. The consumers share it.
    pub push_limit: f64,
    /// The same for multicasts.
    pub multicast_limit: f64,
    /// How many people may be reached in a month.
    pub quota: Option<u64>,
    /// The numbers of the people whom LINE does not know.
    pub unknown: Vec<u32>,
    /// What goes wrong with single requests.
    pub faults: LineFaults,
    /// When LINE as a whole is not well.
    pub spells: Vec<Spell>,
}

/// Which processes die in the middle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaths {
    /// The part of the requests at which the process dies.
    pub rate: f64,
    /// One process that dies at one request. Processes are counted from 0 in the order of their
    /// starts.
    pub exact: Option<(u32, Death)>,
}

impl Plan {
    /// A quiet run: one campaign of personal messages, and nothing goes wrong.
    pub fn quiet(seed: u64, people: u32) -> Self {
        Self {
            seed,
            mishaps: Vec::new(),
            start: "2026-12-01T00:00:00Z".parse().expect("a time"),
            lasts: Duration::from_hours(30),
            queue: QueuePlan {
                is_fifo: false,
                visibility: 180,
                max_receive_count: 20,
                max_in_flight: 120_000,
            },
            consumers: ConsumerPlan {
                runner: Runner::Lambda(WarmOrder::Last),
                concurrency: 4,
                stays: Vec::new(),
                urgent: 0,
                batch_size: 10,
                timeout: Duration::from_secs(30),
                warm: 0,
                changes: Vec::new(),
                retry_base: Duration::from_secs(2),
                skew: Duration::ZERO,
            },
            producers: ProducerPlan {
                timeout: Duration::from_mins(5),
                slice_bytes: 1 << 20,
                concurrency: 2,
                repeat_after: Duration::from_mins(10),
            },
            campaigns: vec![CampaignPlan::personal("quiet", 0, people)],
            line: LinePlan {
                push_limit: 200.0,
                multicast_limit: 20.0,
                quota: None,
                unknown: Vec::new(),
                faults: LineFaults::default(),
                spells: Vec::new(),
            },
            queue_faults: QueueFaults::default(),
            deaths: Deaths::default(),
            roads: Roads::default(),
            ledger: None,
        }
    }

    /// Whether a request may reach LINE, or an answer be lost, without anybody knowing it.
    pub(crate) fn has_unclear_ends(&self) -> bool {
        let dies = |stay: &Stay| matches!(stay.end, Some((_, StayEnd::Dies)));
        self.consumers.stays.iter().any(dies)
            || self.deaths.rate > 0.0
            || self.deaths.exact.is_some()
            || !self.line.faults.rates.is_empty()
            || !self.line.spells.is_empty()
            || self.queue_faults.lost > 0.0
            || self.queue_faults.duplicated > 0.0
    }
}

impl CampaignPlan {
    /// A campaign on the channel `line` with a message of their own for everybody, fired at once.
    pub fn personal(id: &str, first_person: u32, people: u32) -> Self {
        Self {
            id: id.into(),
            channel: Channel::Line,
            lane: Lane::Bulk,
            first_person,
            people,
            alike: 1,
            doubled: 0,
            bad_rows: 0,
            expires_after: None,
            firings: vec![FiringPlan::at(Duration::ZERO)],
        }
    }
}

impl FiringPlan {
    /// A firing whose scheduled time is when it happens.
    pub fn at(at: Duration) -> Self {
        Self {
            at,
            scheduled: Some(at),
            is_repeat: false,
            slice_bytes: None,
        }
    }

    /// The same event once more, at another time.
    #[must_use]
    pub fn repeated_at(self, at: Duration) -> Self {
        Self {
            at,
            is_repeat: true,
            ..self
        }
    }
}
