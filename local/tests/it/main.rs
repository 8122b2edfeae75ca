//! The far ends, asked over loopback by real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod line;
mod line_faults;
mod line_ledger;
mod line_limits;
mod line_notify;
mod line_support;
mod line_tokens;
