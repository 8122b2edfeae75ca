//! Words for people and JSON for programs.

use std::io::{self, ErrorKind, Write};

use console::style;
use serde::Serialize;

pub(crate) mod words;

/// A line on standard output. It is no error when nobody reads it any more, as after `| head`.
pub(crate) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// A line on standard error. An error is lost here: there is no place left where it could be told.
pub(crate) fn note(text: impl std::fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// An error and its causes, on one line of standard error.
pub(crate) fn error(error: &anyhow::Error) {
    note(format_args!(
        "{} {}",
        style("error:").for_stderr().red().bold(),
        sentence(error)
    ));
}

/// An error and its causes. The SDK's errors say the same as their causes: that is said once.
fn sentence(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.dedup();
    causes.join(": ")
}

/// `value` as JSON on standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)?;
    Ok(())
}
