//! Receives from an SQS queue as Lambda's event source mapping does, and calls a function with each batch.
//!
//! `fanline worker` and `fanline run` consume their queues with it, so it is production code: nothing in here injects
//! faults. A rehearsal that wants some wraps the function.
//!
//! # Layout
//! - `poller`: the polling loops, and the deletion of what succeeded
//! - `event`: the event that Lambda makes of a batch; `verdict`: what an answer means for each message, pure
//! - `invoke`: one call of the function, with its time limit

mod event;
mod invoke;
mod poller;
mod verdict;

pub use poller::{Poller, PollerCounts, PollerError, PollerOptions};
