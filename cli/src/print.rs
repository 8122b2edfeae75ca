//! Words for people and JSON for programs. A reader that went away (`| head`) is no reason to fail.

use std::io::{self, Write};

use console::style;
use serde::Serialize;

/// A line on standard output.
pub(crate) fn line(text: impl std::fmt::Display) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// A line on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// What went wrong and why, on one line of standard error.
pub(crate) fn error(error: &anyhow::Error) {
    note(format_args!(
        "{} {error:#}",
        style("error:").for_stderr().red().bold()
    ));
}

/// `value` as JSON on standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}
