//! The simulated far ends, over the wire, with the clients of the real services.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod host;
mod line;
mod queue;
mod s3;
mod support;
