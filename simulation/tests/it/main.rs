//! The pipeline on virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod deaths;
mod lanes;
mod ledger;
mod pace;
mod scenarios;
mod seeds;
mod workers;
