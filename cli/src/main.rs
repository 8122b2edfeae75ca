//! The `fanline` command: check a campaign, run it, rehearse it, consume a queue.
//!
//! # Layout
//! - `args`: what can be asked for
//! - `commands`: one file for each command
//! - `campaign_file`: the campaign as the command line reads it
//! - `rehearsal`: a campaign on this machine: stand-ins, queues, producer and consumer
//! - `report`: what a run came to, in words, as JSON and on a page
//! - `print`: lines for people and JSON for programs; `signals`: what ends a command

mod args;
mod campaign_file;
mod commands;
mod print;
mod rehearsal;
mod report;
mod signals;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use commands::{check, run, simulate, worker};
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
        Command::Worker(_) => fanline_telemetry::init(fanline_core::settings::variable),
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
            print::error(&error);
            ExitCode::from(if error.is::<Unusable>() { 2 } else { 1 })
        }
    }
}
