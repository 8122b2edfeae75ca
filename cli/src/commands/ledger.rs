//! The commands that ask about runs and control them.
//!
//! - `place`: the ledger that a command works on; `find_run`: the run that it names
//! - `known`: all that the ledger says of a run; `status_text`: that in words; `words`: numbers and
//!   times in words
//! - `runs`, `status`: what is asked

mod find_run;
mod known;
mod place;
mod runs;
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
    }
}
