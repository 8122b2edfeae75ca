//! The producer over the wire: real clients, stand-ins on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod binary;
mod campaigns;
mod lists;
mod panics;
mod publishing;
mod slices;
mod support;
