//! Words for people and JSON for programs.

use std::io::{self, ErrorKind, Write};

use console::style;
use serde::Serialize;

pub(crate) mod list_rows;
pub(crate) mod next_step;
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
        with_causes(error)
    ));
}

/// An error and its causes. Errors of the AWS SDK repeat their cause, so what was said already is
/// left out.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// `value` as JSON on standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_was_said_already_is_left_out() {
        let error = anyhow!("QueueDoesNotExist: there is none")
            .context("service error: QueueDoesNotExist: there is none")
            .context("reading the queue");
        assert_eq!(
            with_causes(&error),
            "reading the queue: service error: QueueDoesNotExist: there is none"
        );
    }
}
