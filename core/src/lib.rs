//! The decisions of fanline: everything that needs no network and no AWS. Time is a parameter.
//!
//! # Layout
//! - [`campaign`]: what to send, to whom and when, read once and checked as a whole
//! - [`channel`]: the channel that a campaign is sent on
//! - [`list`]: bytes of a recipient list in, rows out
//! - [`recipient`]: the person, group, room or token that a row names
//! - [`template`]: a campaign's messages, made ready to be rendered a million times
//! - [`line_message`]: LINE's rules for message objects
//! - [`text`]: text as LINE counts it, and JSON that SQS takes
//! - [`delivery`]: what one channel request carries, its form on the queue, and the request that
//!   LINE gets, with its retry key
//! - [`outcome`]: the words for what became of a delivery
//! - [`s3_uri`]: S3 URIs
//! - [`limits`]: what SQS and LINE take
//! - [`backoff`]: the wait between two attempts
//! - [`surroundings`]: the time of day and random numbers, as values that are passed on
//! - [`settings`]: environment variables, read once, with all problems reported together

pub mod backoff;
pub mod campaign;
pub mod channel;
pub mod delivery;
pub mod limits;
pub mod line_message;
pub mod list;
pub mod recipient;
pub mod s3_uri;
pub mod settings;
pub mod surroundings;
mod template;
pub mod text;

pub use delivery::outcome;
