//! The ledger over real stores: a stand-in for S3 behind a socket, and folders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod brake;
mod conservation;
mod control;
mod history;
mod merging;
mod race;
mod runs;
mod stores;
mod sums;
mod support;
mod world;
