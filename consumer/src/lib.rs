//! The consumer: a batch of records in, requests to LINE out, and back to the queue only what must come again.
//!
//! # Layout
//! - [`settings`]: the environment variables, read once
//! - [`consumer`]: the handler: a batch in, a partial batch response out
//!
//! Decisions, which know no clock and no network:
//! - [`record`]: a queue message as Lambda hands it over; which are worked through in order
//! - [`answer`], [`classify`]: what came back, and what it means; [`words`]: what LINE's texts hint at
//! - [`backoff`]: how long a record waits; [`pace`]: how fast an environment sends; [`hold`]: when it stops
//! - [`split`]: a refused multicast, taken apart
//! - [`fingerprint`]: what stands for a recipient in the log; [`tally`]: what a batch came to, for CloudWatch
//!
//! Edges, one for each thing outside:
//! - [`http`]: the client; [`mod@line`]: the Messaging API; [`notify`]: LINE Notify; [`token`]: the channel access token
//! - [`queue`], [`dead_letter`]: SQS; [`image`]: S3
//!
//! And the ways between them, private: `invocation` is one batch, `line_delivery` and `notify_delivery` make an `attempt` at
//! one delivery, and `report` says what was done.

pub mod answer;
mod attempt;
pub mod backoff;
pub mod classify;
pub mod consumer;
pub mod dead_letter;
pub mod fingerprint;
pub mod hold;
pub mod http;
pub mod image;
mod invocation;
pub mod line;
mod line_delivery;
pub mod notify;
mod notify_delivery;
pub mod pace;
pub mod queue;
pub mod record;
mod report;
pub mod settings;
pub mod split;
pub mod tally;
pub mod token;
pub mod words;

pub use consumer::{Consumer, Handled, Settled, StartError};
pub use settings::Settings;
