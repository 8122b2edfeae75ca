//! What the functions print: log lines, metric lines, and AWS errors in words.
//!
//! # Layout
//! - `log`: the subscriber of all functions, one JSON line for each event
//! - `metric_line`: one log line that CloudWatch reads as metrics
//! - `fingerprint`: what stands for a recipient in the log, and in the ledger's rolls
//! - `aws_error`: the reason that a service gave when it refused a request

pub mod aws_error;
pub mod fingerprint;
mod log;
mod metric_line;

pub use log::{init, subscriber};
pub use metric_line::{MAX_VALUES, MetricLine};
