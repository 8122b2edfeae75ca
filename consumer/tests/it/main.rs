//! The consumer over the wire: the real clients against servers on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod batches;
mod control;
mod controlled;
mod crowds;
mod ends;
mod events;
mod faults;
mod holds;
mod killed;
mod lanes;
mod line;
mod log;
mod notify;
mod outcomes;
mod runtime_api;
mod scripted;
mod sealed;
mod slow_store;
mod splits;
mod support;
mod tokens;
mod under_load;
