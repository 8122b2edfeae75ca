//! The producer: a campaign and its list in, deliveries on the queue.
//!
//! # Layout
//! - [`settings`]: what the environment says, read once
//! - [`event`]: the shapes in which work arrives
//! - [`producer`]: one piece of work from its event to its summary
//! - [`slice`]: what one invocation works on, and how a list is cut into such pieces
//! - [`source`] and [`chunks`]: the bytes of a list, from S3, a file or the campaign itself
//! - [`rows`]: bytes in, rows out, the header checked
//! - [`rules`]: what one row asks for, or why it can't be sent
//! - [`check`]: which rows are sent: not the bad ones, and nobody twice
//! - [`group`] and [`deliveries`]: rows with equal messages become deliveries
//! - [`pack`]: deliveries become requests, ten at most and 1 MiB together
//! - [`queue`] and [`sender`]: one request until every entry is on the queue; many of them at once
//! - [`rejects`]: the rows that can't be sent, written beside the list
//! - [`reading`]: a slice is read twice, once to check it and once to publish it
//! - [`fanout`]: one slice from its first reading to its last delivery
//! - [`summary`] and [`progress`]: what came of it, afterwards and meanwhile

pub mod check;
mod chunks;
mod deliveries;
pub mod event;
mod fanout;
mod group;
mod pack;
pub mod producer;
pub mod progress;
mod queue;
mod reading;
mod rejects;
mod rows;
mod rules;
mod sender;
pub mod settings;
pub mod slice;
pub mod source;
pub mod summary;

pub use producer::{ProduceError, Producer, check};
pub use progress::Progress;
pub use settings::Settings;
pub use summary::Summary;
