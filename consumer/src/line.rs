//! The channel `line`: the Messaging API.
//!
//! # Layout
//! - `account`: asks about the account, its month and whether LINE would take messages
//! - `channel`: one attempt to send a delivery; `split`: the parts of a refused multicast
//! - `client`: the requests; `token`: the channel access token, `secret`: where it is kept
//! - `classify`: the verdict on a response; `error_body`: what LINE's texts say

pub(crate) mod account;
pub(crate) mod channel;
mod classify;
pub(crate) mod client;
pub(crate) mod error_body;
mod secret;
pub(crate) mod split;
mod token;
