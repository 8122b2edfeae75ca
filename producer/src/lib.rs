//! The producer: a campaign and its list in, deliveries on the queue.
//!
//! # Layout
//! - [`settings`]: what the environment says, read once
//! - [`event`]: the shapes in which work arrives
//! - [`producer`]: one piece of work from its event to its summary; [`produce_error`]: why it ended otherwise
//! - [`slice`]: what one invocation works on, and how a list is cut into such pieces
//! - [`lists`], [`source`] and [`chunks`]: where lists are, one version of one, and its bytes in order
//! - [`rows`]: bytes in, rows out, the header checked
//! - [`rules`]: what one row asks for, or why it can't be sent
//! - [`check`]: which rows are sent: not the bad ones, and nobody twice
//! - [`group`] and [`deliveries`]: rows with equal messages become deliveries
//! - [`pack`]: deliveries become requests, ten at most and 1 MiB together
//! - [`reading`]: a slice is read twice, once to check it and once to publish it
//! - [`postmark`]: what is said to the queue about a delivery besides its body
//! - [`queue`] and [`receipt`]: one request until every entry is settled, and what an answer means for each
//! - [`service_error`]: what a service says when it refuses
//! - [`sender`]: many requests at once
//! - [`rejects`]: the rows that can't be sent, written beside the list
//! - [`fanout`]: one slice from its first reading to its last delivery
//! - [`summary`] and [`progress`]: what came of it, afterwards and meanwhile

pub mod check;
mod chunks;
mod deliveries;
pub mod event;
mod fanout;
mod group;
mod lists;
mod pack;
mod postmark;
pub mod produce_error;
pub mod producer;
pub mod progress;
pub mod queue;
mod reading;
mod receipt;
pub mod rejects;
pub mod rows;
mod rules;
mod sender;
mod service_error;
pub mod settings;
pub mod slice;
pub mod source;
pub mod summary;

pub use check::Checked;
pub use produce_error::ProduceError;
pub use producer::{Producer, check};
pub use progress::Progress;
pub use settings::Settings;
pub use summary::Summary;
