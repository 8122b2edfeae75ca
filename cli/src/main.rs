//! The `fanline` command: check a campaign, run it, rehearse it, consume a queue.
//!
//! # Layout
//! - `args`: the flags and their help
//! - `commands`: one file for each command
//! - `campaign_file`: the campaign as the command line reads it, also its list out of a pipe
//! - `aws`: the AWS configuration
//! - `invocation`: consumer and bookkeeper inside this process
//! - `rehearsal`: a campaign on this machine: stand-ins, queues, producer and consumer
//! - `stack`: the deployed stack, for `schedule` and `doctor`
//! - `report`: the result of a run, for people, as JSON and as a page
//! - `html`: the look of every page
//! - `exit`: exit codes; `log`: the log; `print`: standard output and error; `signals`: what ends a
//!   command

mod args;
mod aws;
mod campaign_file;
mod commands;
mod exit;
mod html;
mod invocation;
mod log;
mod print;
mod rehearsal;
mod report;
mod signals;
mod stack;

use std::process::ExitCode;

use args::Cli;
use exit::CommandEnd;

#[tokio::main]
async fn main() -> ExitCode {
    exit::code(execute(&args::read()).await)
}

async fn execute(cli: &Cli) -> anyhow::Result<CommandEnd> {
    log::start(&cli.command)?;
    commands::execute(&cli.command).await
}
