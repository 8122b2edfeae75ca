//! The `fanline` command as a person runs it: the real binary, real files, output and exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod bad_input;
mod canary;
mod checks;
mod deployed;
mod explain;
mod install;
mod killed;
mod ledger;
mod lists;
mod live;
mod messages;
mod next_step;
mod not_reached;
mod odd_line;
mod output;
mod plan;
mod run;
mod runs;
mod s3;
mod sealed;
#[cfg(unix)]
mod signals;
mod statistics;
mod support;
mod worker;
mod workers;
