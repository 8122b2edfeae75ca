//! Environment variables, read once at cold start. All problems are reported together.

use std::fmt::Display;
use std::str::FromStr;

/// Everything that is wrong with the settings, in one error.
///
/// Otherwise three mistakes would take three deployments to find.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsError(pub Vec<String>);

/// A variable of the process's environment. A value that is not UTF-8 counts as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads variables through one lookup function, and collects what is wrong with them.
pub struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// A reader that looks variables up with `lookup`. White space around a value is no part of
    /// it: it comes along when a value is copied. An empty value counts as not set.
    pub fn new(lookup: F) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// The variable, or `None` where it is not set. A value that is not valid is a problem.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(format!("`{name}` is not valid: {error}"));
                None
            }
        }
    }

    /// The variable. It is a problem where it is not set or not valid.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.problem(format!("`{name}` is not set"));
            return None;
        }
        self.optional(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.trim().is_empty())
    }

    /// Adds a problem that only the caller can see, such as two variables that exclude each other.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The settings, or all problems. The settings are `None` only where there was a problem.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_value_is_no_part_of_it() {
        let mut reader = Reader::new(|name| match name {
            "COUNT" => Some(" 7\r\n".to_owned()),
            "QUEUE_URL" => Some(" \n".to_owned()),
            _ => Some("\u{a0}x y ".to_owned()),
        });
        assert_eq!(reader.required("COUNT"), Some(7));
        assert_eq!(reader.required::<String>("NAME").as_deref(), Some("x y"));
        assert_eq!(reader.optional::<String>("QUEUE_URL"), None);
        assert_eq!(reader.required::<String>("QUEUE_URL"), None);
        let error = reader.finish(Some(())).unwrap_err();
        assert_eq!(error.to_string(), "`QUEUE_URL` is not set");
    }

    #[test]
    fn all_problems_are_named_together() {
        let mut reader = Reader::new(|name| (name == "COUNT").then(|| "ten".to_owned()));
        let url: Option<String> = reader.required("QUEUE_URL");
        let count: Option<u32> = reader.optional("COUNT");
        let error = reader.finish(url.zip(count)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`QUEUE_URL` is not set; `COUNT` is not valid: invalid digit found in string"
        );
    }
}
