//! The channel `line-notify`: the LINE Notify protocol.
//!
//! LINE's own service ended on 2025-03-31. Servers that speak its protocol remain.
//!
//! # Layout
//! - `channel`: one attempt to send a delivery
//! - `form`: the fields of a message; `image`: the file that is uploaded with it
//! - `client`: the request; `classify`: the verdict on the response
//! - `spent_tokens`: the tokens that have no calls left

pub(crate) mod channel;
mod classify;
mod client;
mod form;
mod image;
mod spent_tokens;
