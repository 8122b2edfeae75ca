//! The commands that ask about runs and control them.
//!
//! - `place`: the ledger that a command works on; `find_run`: the run that it names
<<<<<<< HEAD
//! - `runs`, `status`: how far runs are; `words`: numbers and times in words
//! - `who`, `export`: what became of people; `people`: how that is found
//! - `control`: what is changed, by whom, and the question before it
=======
//! - `known`: all that the ledger says of a run, with its `details`; `status_text`: that in words;
//!   `words`: numbers and times in words
//! - `runs`, `status`: what is asked; `dashboard`: the same as pages
//! - `control`: what is changed; `sign`: by whom; `ask`: a question before it
>>>>>>> e667fdb
//! - `queues`: the stack's queues, and messages moved from one to another

mod control;
<<<<<<< HEAD
mod export;
=======
mod dashboard;
mod details;
>>>>>>> e667fdb
mod find_run;
mod people;
mod place;
mod queues;
mod runs;
mod status;
mod who;
mod words;

use crate::args::LedgerCommand;
use crate::exit::CommandEnd;

/// Executes the command that the flags name.
pub(crate) async fn execute(command: &LedgerCommand) -> anyhow::Result<CommandEnd> {
    match command {
        LedgerCommand::Runs(args) => runs::execute(args).await,
        LedgerCommand::Status(args) => status::execute(args).await,
<<<<<<< HEAD
        LedgerCommand::Who(args) => who::execute(args).await,
        LedgerCommand::Export(args) => export::execute(args).await,
=======
        LedgerCommand::Dashboard(args) => dashboard::execute(args).await,
>>>>>>> e667fdb
        LedgerCommand::Pause(args) => control::pause(args).await,
        LedgerCommand::Resume(args) => control::resume(args).await,
        LedgerCommand::Cancel(args) => control::cancel(args).await,
        LedgerCommand::Pace(args) => control::pace(args).await,
        LedgerCommand::Extend(args) => control::extend(args).await,
        LedgerCommand::Release(args) => control::release(args).await,
    }
}
