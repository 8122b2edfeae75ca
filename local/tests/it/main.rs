//! The stand-ins, spoken to over the wire by the clients that the real services have.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod host;
mod line;
mod line_faults;
mod line_ledger;
mod line_limits;
mod line_notify;
mod line_support;
mod line_tokens;
mod queue;
mod queue_faults;
mod queue_fifo;
mod queue_redrive;
mod queue_settings;
mod support;
