//! The consumer: a batch of records in, requests to LINE out, and back to the queue only what must come again.
//!
//! # Layout
//! - `settings`: the environment variables, read once
//! - `handler`: a batch in, a partial batch response out; `batch`: what becomes of each record
//! - `channel`: what both channels share; `line`, `line_notify`: one folder for each channel
//! - `sqs`: the records, the delivery queue and the dead-letter queue
//! - `tally`, `request_log`: metrics of a batch, and one log line for each request

mod batch;
mod channel;
mod handler;
mod line;
mod line_notify;
mod request_log;
mod settings;
mod sqs;
mod tally;

pub use handler::{Consumer, Handled, Settled, StartError};
pub use settings::Settings;
