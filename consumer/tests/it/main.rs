//! The consumer over the wire: the real clients against servers on loopback.

mod batches;
mod faults;
mod holds;
mod line;
mod log;
mod notify;
mod runtime_api;
mod scripted;
mod splits;
mod support;
mod tokens;
