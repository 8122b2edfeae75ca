//! The producer: takes a campaign and its list, and puts deliveries on the queue.
//!
//! # Layout, in the order in which the data passes
//! - `settings`: the environment variables, read once
//! - `event`: the forms in which work arrives
//!   - `upload`: what S3 says of files, the outbox, and the intake that starts their runs
//! - `handler`: one event, from its JSON to its summary
//! - `ledger`: the record of a run, and whether a firing may begin or continue it
//! - `fanout`: a list checked as a whole, and a slice of it published
//! - `list`: where lists are stored, their bytes and rows, and how they are cut into slices
//! - `check`: which rows can be sent, the file of the rows that can't, and what a campaign would do
//! - `publish`: rows grouped into deliveries, packed into requests, sent to SQS
//! - `summary`: what was done; `progress`: what is being done; `error`: why it was not done

mod check;
mod error;
mod event;
mod fanout;
mod handler;
mod ledger;
mod list;
mod progress;
mod publish;
mod settings;
mod summary;

pub use check::campaign::{Plan, Preview, check, plan};
pub use check::samples::{EmptyValues, Sample, SampleReason, Samples};
pub use error::{ProduceError, Resume};
pub use event::upload::answer::Answer;
pub use event::upload::intake::Intake;
pub use event::upload::notice::NoticeError;
pub use event::upload::origin::OriginError;
pub use event::upload::outbox::OutboxError;
pub use handler::Producer;
pub use list::checked_rows::Checked;
pub use list::rows::{ListRows, ReadError};
pub use list::source::SourceError;
pub use progress::Progress;
pub use settings::Settings;
pub use summary::{LeftOutPeople, Summary};

/// The campaign in an event of any form, for the fuzz targets.
#[cfg(fuzzing)]
pub fn campaign_of(event: serde_json::Value) -> Option<serde_json::Value> {
    match event::Event::parse(event) {
        Ok(event::Event::Campaign(firing)) => Some(firing.campaign),
        Ok(event::Event::Configured { .. } | event::Event::Slices(_)) | Err(_) => None,
    }
}
