//! The producer with real clients, against servers on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod binary;
mod campaigns;
mod canary;
mod checks;
mod continued;
mod copies;
mod deadlines;
mod faults_and_kills;
mod lanes;
mod list_forms;
mod lists;
mod panics;
mod publishing;
mod runs;
mod sealed;
mod slices;
mod support;
mod uploads;
mod versions;
