//! The channel `line`: the Messaging API.

pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod error_body;
pub(crate) mod split;
pub(crate) mod token;
