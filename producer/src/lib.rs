//! The producer: a campaign and its list in, deliveries on the queue.
//!
//! # Layout
//! - `settings`: the environment variables, read once
//! - `event`: the shapes in which work arrives
//! - `handler`: one piece of work from its event to its summary; `error`: why it ended otherwise
//! - `fanout`: one slice, checked and then published; `reading`: the two readings of a slice
//! - `list`: where lists are stored, their bytes and rows, and how they are cut into slices
//! - `check`: which rows can be sent, and the file of those that can't
//! - `publish`: rows grouped into deliveries, packed into requests, sent to SQS
//! - `summary`, `progress`: what was done, afterwards and meanwhile

mod check;
mod error;
mod event;
mod fanout;
mod handler;
mod list;
mod progress;
mod publish;
mod reading;
mod settings;
mod summary;

pub use check::checker::Checked;
pub use error::ProduceError;
pub use handler::{Producer, check};
pub use progress::Progress;
pub use settings::Settings;
pub use summary::Summary;
