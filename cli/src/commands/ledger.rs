//! The commands that ask about runs and control them.
//!
//! - `place`: the ledger that a command works on; `find_run`: the run that it names
//! - `runs`, `status`: how far runs are; `dashboard`, `report`: the same as pages
//! - `who`, `export`: what became of people; `people`: how that is found
//! - `control`: what is changed, by whom, and the question before it
//! - `dead_letters`: what was set aside; `redrive`: that sent again within its run;
//!   `resend`: a new run for those who got nothing
//! - `queues`: the stack's queues, and messages moved from one to another

mod control;
pub(super) mod dashboard;
mod dead_letters;
pub(super) mod export;
mod find_run;
mod people;
mod place;
mod queues;
mod redrive;
mod report;
mod resend;
mod runs;
mod status;
mod who;

use crate::args::LedgerCommand;
use crate::exit::CommandEnd;
use crate::print::words;

/// Executes the command that the flags name.
pub(crate) async fn execute(command: &LedgerCommand) -> anyhow::Result<CommandEnd> {
    match command {
        LedgerCommand::Runs(args) => runs::execute(args).await,
        LedgerCommand::Status(args) => status::execute(args).await,
        LedgerCommand::Dashboard(args) => dashboard::execute(args).await,
        LedgerCommand::Report(args) => report::execute(args).await,
        LedgerCommand::Who(args) => who::execute(args).await,
        LedgerCommand::Export(args) => export::execute(args).await,
        LedgerCommand::Pause(args) => control::pause(args).await,
        LedgerCommand::Resume(args) => control::resume(args).await,
        LedgerCommand::Cancel(args) => control::cancel(args).await,
        LedgerCommand::Pace(args) => control::pace(args).await,
        LedgerCommand::Extend(args) => control::extend(args).await,
        LedgerCommand::Release(args) => control::release(args).await,
        LedgerCommand::Redrive(args) => redrive::execute(args).await,
        LedgerCommand::Resend(args) => resend::execute(args).await,
        LedgerCommand::DeadLetters(args) => dead_letters::execute(args).await,
    }
}
