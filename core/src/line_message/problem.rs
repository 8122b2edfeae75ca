//! What is wrong with a message, in our words and in LINE's.

use std::borrow::Cow;
use std::fmt;

/// One thing in message objects that LINE refuses, or may refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field, such as `messages[0].originalContentUrl`. Where a field is missing,
    /// the path that it would have.
    pub property: String,
    /// What is wrong and what LINE takes, as the end of a sentence that begins with the property.
    /// Holds no value of a row.
    pub problem: String,
    /// LINE's own words in the `details` of its 400, where somebody has published them.
    pub line_says: Option<Cow<'static, str>>,
    /// The section of LINE's reference that has the rule.
    pub reference: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.property, self.problem)
    }
}

/// What was found in one walk through a tree.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Why one value is refused, before it is known where the value stands.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) problem: String,
    pub(super) fault: Fault,
}

impl Refusal {
    /// A refusal whose words at LINE nobody has published.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self::of(Fault::Other, problem)
    }

    pub(super) fn of(fault: Fault, problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            fault,
        }
    }

    pub(super) fn at(self, property: &str, place: Place) -> Problem {
        Problem {
            property: property.to_owned(),
            line_says: self.fault.in_lines_words(place.validator),
            problem: self.problem,
            reference: place.reference,
        }
    }
}

/// Where in LINE's reference, and in LINE's code, a field belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) reference: &'static str,
    pub(super) validator: Validator,
}

/// LINE checks the inside of a template and of a Flex Message with other code than the rest, which
/// has other words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Validator {
    Message,
    Template,
    Flex,
}

/// The kinds of fault for which LINE's words differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    Missing,
    Empty,
    TooLong(usize),
    UrlTooLong(usize),
    Scheme,
    Url,
    Type(String),
    TooMany(usize),
    UnknownField,
    SenderName,
    Other,
}

impl Fault {
    /// LINE's words, as published in:
    /// - <https://developers.line.biz/en/reference/messaging-api/#error-responses>
    /// - <https://github.com/cofacts/rumors-line-bot/issues/125>, `/issues/212`, `/pull/402`
    /// - <https://github.com/line/line-bot-sdk-python/issues/111>, `/273`, `/314`, `/646`
    /// - <https://github.com/zaoldyeck/cross-platform-chatbot/pull/1>
    /// - <https://github.com/openclaw/openclaw/issues/134975>
    fn in_lines_words(&self, validator: Validator) -> Option<Cow<'static, str>> {
        Some(match (self, validator) {
            (Self::Missing | Self::Empty, Validator::Message) => "May not be empty".into(),
            (Self::Missing, Validator::Flex) => "must be specified".into(),
            (Self::Empty, Validator::Template | Validator::Flex) => "must be non-empty text".into(),
            (Self::TooLong(max), Validator::Message) => {
                format!("Length must be between 0 and {max}").into()
            }
            (Self::TooLong(max), Validator::Template) => {
                format!("must not be longer than {max} characters").into()
            }
            (Self::UrlTooLong(max), Validator::Template) => {
                format!("size must be between 0 and {max}").into()
            }
            (Self::Scheme, Validator::Template | Validator::Flex) => "invalid uri scheme".into(),
            (Self::Url, Validator::Template | Validator::Flex) => "invalid uri".into(),
            (Self::Type(types), Validator::Message) => {
                format!("Must be one of the following values: [{types}]").into()
            }
            (Self::Type(_), Validator::Flex) => "invalid property".into(),
            (Self::TooMany(max), Validator::Message) => {
                format!("must not be more than {max} items").into()
            }
            (Self::UnknownField, Validator::Flex) => "unknown field".into(),
            (Self::SenderName, _) => "sender.name length is invalid".into(),
            _ => return None,
        })
    }
}

/// Names in backticks, for a sentence.
pub(super) fn in_backticks<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_words_are_those_that_were_published() {
        use Validator::{Flex, Message, Template};
        for (fault, validator, words) in [
            (Fault::Missing, Message, Some("May not be empty")),
            (Fault::Missing, Flex, Some("must be specified")),
            (Fault::Missing, Template, None),
            (Fault::Empty, Message, Some("May not be empty")),
            (Fault::Empty, Template, Some("must be non-empty text")),
            (Fault::Empty, Flex, Some("must be non-empty text")),
            (
                Fault::TooLong(40),
                Template,
                Some("must not be longer than 40 characters"),
            ),
            (
                Fault::TooLong(5000),
                Message,
                Some("Length must be between 0 and 5000"),
            ),
            (Fault::TooLong(5000), Flex, None),
            (
                Fault::UrlTooLong(1000),
                Template,
                Some("size must be between 0 and 1000"),
            ),
            (Fault::Scheme, Flex, Some("invalid uri scheme")),
            (Fault::Scheme, Message, None),
            (Fault::Url, Template, Some("invalid uri")),
            (
                Fault::Type("a, b".into()),
                Message,
                Some("Must be one of the following values: [a, b]"),
            ),
            (Fault::Type("a".into()), Flex, Some("invalid property")),
            (
                Fault::TooMany(13),
                Message,
                Some("must not be more than 13 items"),
            ),
            (Fault::UnknownField, Flex, Some("unknown field")),
            (
                Fault::SenderName,
                Message,
                Some("sender.name length is invalid"),
            ),
            (Fault::Other, Flex, None),
        ] {
            let found = fault.in_lines_words(validator);
            assert_eq!(found.as_deref(), words, "{fault:?} {validator:?}");
        }
    }
}
