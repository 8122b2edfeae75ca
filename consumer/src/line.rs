//! The channel `line`: the Messaging API.
//!
//! # Layout
//! - `channel`: one attempt to send a delivery; `split`: the parts of a refused multicast
//! - `client`: the requests; `token`: the channel access token, `secret`: where it is kept
//! - `validation`: asks whether LINE would take messages, and sends nothing
//! - `classify`: the verdict on a response; `error_body`: what LINE's texts say

pub(crate) mod channel;
mod classify;
mod client;
pub(crate) mod error_body;
mod secret;
pub(crate) mod split;
mod token;
pub(crate) mod validation;
