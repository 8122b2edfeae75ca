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

/// A number with its thousands apart: 1,000,000.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(n), text);
        }
    }
}
