//! What the functions print: log lines, metric lines, and the errors of AWS in words.
//!
//! # Layout
//! - `log`: the subscriber of all functions, one JSON line for each event
//! - `metric_line`: one line of log that CloudWatch reads as metrics
//! - `aws_error`: what a service said when it refused

pub mod aws_error;
mod log;
mod metric_line;

pub use log::{init, subscriber};
pub use metric_line::{MAX_VALUES, MetricLine};
