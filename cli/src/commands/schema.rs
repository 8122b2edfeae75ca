//! `fanline schema`: the JSON Schema of a campaign.

use crate::exit::CommandEnd;
use crate::print;

/// Prints the schema.
pub(crate) fn execute() -> anyhow::Result<CommandEnd> {
    print::json(&fanline_core::campaign::schema())?;
    Ok(CommandEnd::Complete)
}
