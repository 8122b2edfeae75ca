//! The commands that ask about runs and control them.
//!
//! - `place`: the ledger that a command works on; `find_run`: the run that it names
//! - `known`: all that the ledger says of a run; `status_text`: that in words; `words`: numbers and
//!   times in words
//! - `runs`, `status`: what is asked
//! - `control`: what is changed; `sign`: by whom; `ask`: a question before it
//! - `queues`: the stack's queues, and messages moved from one to another

mod ask;
mod control;
mod find_run;
mod known;
mod place;
mod queues;
mod runs;
mod sign;
mod status;
mod status_text;
mod words;

use crate::args::LedgerCommand;
use crate::exit::CommandEnd;

/// Executes the command that the flags name.
pub(crate) async fn execute(command: &LedgerCommand) -> anyhow::Result<CommandEnd> {
    match command {
        LedgerCommand::Runs(args) => runs::execute(args).await,
        LedgerCommand::Status(args) => status::execute(args).await,
        LedgerCommand::Pause(args) => control::pause(args).await,
        LedgerCommand::Resume(args) => control::resume(args).await,
        LedgerCommand::Cancel(args) => control::cancel(args).await,
        LedgerCommand::Pace(args) => control::pace(args).await,
        LedgerCommand::Extend(args) => control::extend(args).await,
        LedgerCommand::Release(args) => control::release(args).await,
    }
}
