//! Receives from an SQS queue as Lambda's event source mapping does, and calls a function with each
//! batch.
//!
//! `fanline worker` and `fanline run` consume their queues with it, so it is production code. It
//! injects no faults: a rehearsal that wants some wraps the function.
//!
//! # Layout
//! - `options`: how a poller polls
//! - `poller`: starts and stops the polling loops; `poll_loop`: one of them
//! - `queue`: the queue that is polled: its ARN, receives and deletes
//! - `message`: a received message that has all its parts
//! - `event`: the event that Lambda makes of a batch, pure
//! - `invoke`: one call of the function, with its time limit
//! - `batch_response`: which messages of a batch failed, as its answer says, pure

mod batch_response;
mod event;
mod invoke;
mod message;
mod options;
mod poll_loop;
mod poller;
mod queue;

pub use options::{Gate, PollerOptions};
pub use poll_loop::PollerCounts;
pub use poller::Poller;
pub use queue::{PollerError, queue_arn};
