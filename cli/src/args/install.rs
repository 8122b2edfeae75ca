//! The flags of the commands that a package or an archive is made with.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  fanline completions bash > ~/.local/share/bash-completion/completions/fanline
  fanline completions zsh > ~/.zfunc/_fanline
  fanline completions fish > ~/.config/fish/completions/fanline.fish
  fanline completions powershell >> $PROFILE";

/// Print the script with which a shell completes commands and flags
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fanline explain                 # all fields and words
  fanline explain max_bad_rows    # a field of a campaign
  fanline explain refused         # a word of a report";

/// Explain a field of a campaign, or a word of a report, such as `refused`
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The field or the word. Without it, all of them are listed
    pub(crate) word: Option<String>,
}

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder, such as `~/.local/share/man/man1`
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
