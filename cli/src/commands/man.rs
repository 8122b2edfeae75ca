//! `fanline man`: the manual pages, one for each command.

use anyhow::Context;

use crate::args::{self, ManArgs};
use crate::exit::CommandEnd;

/// Writes the pages into the folder.
pub(crate) fn execute(args: &ManArgs) -> anyhow::Result<CommandEnd> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(args::command(), folder))
        .with_context(|| format!("the pages can't be written to `{}`", folder.display()))?;
    Ok(CommandEnd::Complete)
}
