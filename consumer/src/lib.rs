//! The consumer: a batch of records in, requests to LINE out, and back to the queue only what must
//! come again.
//!
//! # Layout, in the order in which a batch passes
//! - `settings`: the environment variables, read once; `environment`: what outlives a batch
//! - `handler`: a batch in, a partial batch response out
//! - `batch`: settles each record, and alone logs, counts and sets aside
//! - `line`, `line_notify`: one attempt to send a delivery, a folder for each channel
//! - `channel`: what both channels share
//! - `sqs`: the records, the delivery queue and the dead-letter queue

mod batch;
mod channel;
mod environment;
mod handler;
mod line;
mod line_notify;
mod settings;
mod sqs;

pub use batch::Settled;
#[cfg(feature = "simulation")]
pub use channel::http::in_process::{InProcess, NoAnswer};
pub use handler::{Consumer, Handled, StartError};
pub use line::account::{AccountError, AccountInfo, LineAccount};
pub use line::client::MonthlyQuota;
pub use settings::{LineAccess, Settings};
