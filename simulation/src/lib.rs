//! The simulation: the real producer, consumer and poller on virtual time, from one seed.
//!
//! The code that is deployed runs against the queue server and the simulated LINE of
//! `fanline_local`, all in one thread on Tokio's paused clock. So a day takes a moment, and the
//! same seed always gives the same run: latencies, back-offs, faults and deaths are drawn from it.
//!
//! # Layout, in the order of a run
//! - `plan`: what a run is; `draw`: a plan from a seed; `scenarios`: plans that found a fault
//! - `world`: queues, environments, producers and Lambda's mapping, on virtual `time`
//! - `network`: every request, and what goes wrong on its way; `people`: who gets what
//! - `log`: what happened; `check`: the invariants that must hold after every run
//! - `known`: the faults that are known and not mended yet
//!
//! This crate is never deployed, and nothing that is deployed depends on it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness for tests: a panic is a run that failed"
)]

mod check;
mod http;
mod log;
mod network;
mod people;
mod plan;
mod run;
mod time;
mod world;

pub use check::{Broken, Invariant};
pub use network::{Death, Moment, Roads, Spell, SpellKind, Whom};
pub use plan::{
    CampaignPlan, ConsumerPlan, Deaths, FiringPlan, LinePlan, Plan, ProducerPlan, QueuePlan,
    Runner, WarmOrder,
};
pub use run::{RunReport, run};
