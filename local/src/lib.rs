//! The far ends of fanline on one machine: an SQS-compatible queue server and a simulated LINE.
//!
//! # Layout
//! - [`clock`]: the time that a far end goes by, which a test can move
//! - [`line`]: the simulated LINE, served on loopback; its parts are the private modules `line_*`

pub mod clock;
pub mod line;
mod line_answer;
mod line_control;
mod line_endpoint;
mod line_faults;
mod line_keys;
mod line_ledger;
mod line_limits;
mod line_message;
mod line_notify;
mod line_notify_form;
mod line_options;
mod line_request;
mod line_send;
mod line_service;
mod line_tokens;
mod line_wire;
