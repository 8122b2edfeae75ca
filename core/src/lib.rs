//! The decisions of fanline: everything that needs no network, no clock and no AWS.
//!
//! # Layout
//! - [`campaign`]: what to send, to whom, when; read once and checked whole
//! - [`channel`]: the Messaging API, or the LINE Notify protocol
//! - [`list`]: bytes of a recipient list in, rows out, wherever the bytes come from
//! - [`recipient`]: the person, group, room or token that a row names
//! - [`template`]: a campaign's messages, made ready to be rendered a million times
//! - [`text`]: the lengths that LINE counts, and JSON that a queue accepts
//! - [`delivery`]: what one channel request carries, and its form on the queue
//! - [`envelope`]: what all deliveries of a run have in common
//! - [`request`]: the bytes that go to LINE and their retry key, made once for each delivery
//! - [`outcome`]: the words for what became of a delivery, and the tally that adds up
//! - [`s3_uri`]: a place in S3; [`sqs_limits`], [`line_limits`]: what SQS and LINE take
//! - [`backoff`]: the wait between two attempts
//! - [`settings`]: environment variables, read once, every problem named together

pub mod backoff;
pub mod campaign;
pub mod channel;
pub mod delivery;
pub mod envelope;
pub mod line_limits;
pub mod line_message;
pub mod list;
pub mod outcome;
pub mod recipient;
pub mod request;
pub mod s3_uri;
pub mod settings;
pub mod sqs_limits;
pub mod template;
pub mod text;
