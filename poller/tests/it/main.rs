//! The poller with a real SQS client, over the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod odd_answers;
mod polling;
mod scripted_queue;
mod support;
