//! The `fanline` command: check a campaign, run it, rehearse it, consume a queue.
//!
//! # Layout
//! - [`args`]: what can be asked for
//! - [`campaign_file`]: the campaign as the command line reads it
//! - [`check`], [`run`], [`simulate`], [`worker`]: one file a command
//! - [`world`]: the far ends of a run; [`queues`], [`sdk`]: what they stand on; [`pipeline`]: producer and consumer at work in it;
//!   [`function`]: the consumer, here or as a binary
//! - [`outcomes`], [`sum`], [`dead_letters`]: what became of each row, counted once
//! - [`faults`]: what goes wrong in a rehearsal
//! - [`record`]: what a run was like; [`report`], [`page`]: its result, in words, as JSON and on a page
//! - [`progress`]: the bar on standard error
//! - [`say`]: words for people and JSON for programs

mod args;
mod campaign_file;
mod check;
mod dead_letters;
mod faults;
mod function;
mod outcomes;
mod page;
mod pipeline;
mod progress;
mod queues;
mod record;
mod report;
mod run;
mod say;
mod sdk;
mod simulate;
mod sum;
mod worker;
mod world;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// How a command ended, as its exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// All is well.
    Well,
    /// Some rows did not end accepted.
    WithLosses,
}

/// The campaign, the list or a flag can't be used, and nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unusable(String);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match &cli.command {
        // The worker is deployed: its log is the function's.
        Command::Worker(_) => fanline_log::init(fanline_core::settings::variable),
        _ => tracing_subscriber::fmt()
            .with_env_filter(
                EnvFilter::try_from_env("FANLINE_LOG").unwrap_or_else(|_| EnvFilter::new("off")),
            )
            .with_writer(std::io::stderr)
            .init(),
    }
    let ended = match &cli.command {
        Command::Run(args) => run::run(args).await,
        Command::Check(args) => check::check(args).await,
        Command::Worker(args) => worker::work(args).await,
        Command::Simulate(what) => simulate::simulate(what).await,
    };
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithLosses) => ExitCode::from(1),
        Err(error) => {
            say::error(&error);
            ExitCode::from(if error.is::<Unusable>() { 2 } else { 1 })
        }
    }
}
