//! The consumer: a batch of records in, requests to LINE out, and back to the queue only what must
//! come again.
//!
//! # Layout, in the order in which a batch passes
//! - `settings`: the environment variables, read once; `environment`: what outlives a batch
//! - `handler`: a batch in, a partial batch response out
//! - `reader`: the delivery of each record, in plain text or sealed
//! - `batch`: settles each record, and alone logs, counts, sets aside and tells the ledger
//! - `line`, `line_notify`: one attempt to send a delivery, a folder for each channel
//! - `channel`: what both channels share
//! - `control`: whether a run may be sent now
//! - `lease`: the part of LINE's limits that a worker may use, beside others that come and go
//! - `sqs`: the records, and the delivery, dead-letter and outcome queue

mod batch;
mod channel;
mod control;
mod environment;
mod handler;
mod lease;
mod line;
mod line_notify;
mod reader;
mod settings;
mod sqs;

pub use batch::{BatchCounts, OutcomeCount, Settled};
#[cfg(feature = "simulation")]
pub use channel::http::in_process::{InProcess, NoAnswer};
pub use handler::{Consumer, Handled, StartError};
pub use line::account::{
    AccountError, AccountInfo, FriendsPage, LineAccount, UnitClicks, UnitOverview, UnitStatistics,
};
pub use line::client::MonthlyQuota;
pub use settings::{LineAccess, Settings};

/// What an error body of LINE says, in words for a person, for the fuzz targets.
#[cfg(fuzzing)]
pub fn quote_of(body: &str, recipients: &[String]) -> String {
    let blame = line::error_body::blame(body);
    if let line::error_body::Blame::Recipients(positions) = blame {
        assert!(positions.is_sorted(), "each recipient is blamed once");
    }
    line::error_body::quote(body, recipients)
}
