//! The bookkeeper with real clients, against servers on loopback and folders.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod binary;
mod brake;
mod canary;
mod closing;
mod late;
mod mappings;
mod merging;
mod messages;
mod parked;
mod run;
mod support;
mod sweeping;
