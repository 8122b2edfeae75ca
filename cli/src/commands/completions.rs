//! `fanline completions`: what a shell needs to complete the command's words.

use crate::args::{self, CompletionsArgs};
use crate::exit::CommandEnd;
use crate::print;

/// Prints the script for this shell.
pub(crate) fn execute(args: &CompletionsArgs) -> anyhow::Result<CommandEnd> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "fanline", &mut script);
    print::line(String::from_utf8(script)?.trim_end())?;
    Ok(CommandEnd::Complete)
}
