//! A campaign from its list to LINE on this machine.
//!
//! - `environment`: the queue server, LINE and the AWS configuration; `queues`: the queues of a run
//! - `run_folder`: the records of runs; `run_key`: what seals their deliveries
//! - `fan_out`: the producer and what its invocations gave; `consumer`: the consumer;
//!   `handed_over`: what the consumer was given
//! - `pipeline`: the pollers between them, from the start of a run to its report
//! - `control`: what an operator, the brake and the canary say about a run
//! - `progress`, `standstill`: how far a run has come, and whether it still moves
//! - `early_end`: whether a run ends before each delivery has an outcome
//! - `faults`: what goes wrong on purpose

mod consumer;
mod control;
pub(crate) mod early_end;
pub(crate) mod environment;
mod fan_out;
pub(crate) mod faults;
mod handed_over;
pub(crate) mod pipeline;
mod progress;
mod queues;
pub(crate) mod run_folder;
mod run_key;
mod standstill;
