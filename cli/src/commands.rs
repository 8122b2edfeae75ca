//! The commands: one file for each.

use crate::args::Command;
use crate::exit::CommandEnd;

mod check;
mod completions;
mod doctor;
mod explain;
mod keep;
mod ledger;
mod make_list;
mod man;
mod plan;
mod run;
mod schedule;
mod schema;
mod simulate;
mod worker;

/// Executes the command that the flags name.
pub(crate) async fn execute(command: &Command) -> anyhow::Result<CommandEnd> {
    match command {
        Command::Run(args) => run::execute(args).await,
        Command::Check(args) => check::execute(args).await,
        Command::Plan(args) => plan::execute(args).await,
        Command::MakeList(args) => make_list::execute(args),
        Command::Worker(args) => worker::execute(args).await,
        Command::Keep(args) => keep::execute(args).await,
        Command::Doctor(args) => doctor::execute(args).await,
        Command::Ledger(command) => ledger::execute(command).await,
        Command::Schedule(args) => schedule::execute(args).await,
        Command::Simulate(args) => simulate::execute(args).await,
        Command::Explain(args) => explain::execute(args),
        Command::Schema => schema::execute(),
        Command::Completions(args) => completions::execute(args),
        Command::Man(args) => man::execute(args),
    }
}
