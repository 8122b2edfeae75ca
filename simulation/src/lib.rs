//! The simulation: the real producer, consumer and poller on virtual time, from one seed.
//!
//! The code that is deployed runs against the queue server and the simulated LINE of
//! `fanline_local`, all in one thread on Tokio's paused clock. So a day takes a moment, and the
//! same seed always gives the same run: latencies, back-offs, faults and deaths are drawn from it.
//!
//! # Layout, in the order of a run
//! - `plan`: what a run is, also from a seed; `scenarios`: plans that found a fault
//! - `world`: queues, environments, producers and Lambda's mapping, on virtual `time`
//! - `network`: every request, and what goes wrong on its way
//! - `lists`: the campaigns and their lists; `person`: who the people are
//! - `log`: what happened; `check`: the invariants that must hold after every run
//! - `known`: the faults that are known and not mended yet
//! - `search`: many seeds, one after the other
//!
//! This crate is never deployed, and nothing that is deployed depends on it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness for tests: a panic is a run that failed"
)]

mod check;
mod known;
mod lists;
mod log;
mod network;
mod person;
mod plan;
mod run;
mod scenarios;
mod search;
mod time;
mod world;

pub use check::{Broken, Invariant};
pub use known::{Finding, known, unexpected};
pub use network::{Death, Moment, Roads, Spell, SpellKind, Whom};
pub use plan::{
    CampaignPlan, ConsumerPlan, Deaths, FiringPlan, LedgerPlan, LinePlan, Order, Plan,
    ProducerPlan, QueuePlan, Runner, Stay, StayEnd, WarmOrder,
};
pub use run::{RunReport, run};
pub use scenarios::{Scenario, scenarios};
pub use search::{Found, Search, SeedRun};
