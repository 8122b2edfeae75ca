//! What is wrong with a campaign's `messages`.

use crate::line_message::Problem;

/// What is wrong with a campaign's `messages`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// One field can't be used.
    Field {
        /// The field's path, such as `messages[0].text`.
        field: String,
        /// What is wrong: the end of the sentence.
        problem: String,
    },
    /// LINE would refuse the messages, whatever the rows are.
    Refused(Vec<Problem>),
}

impl TemplateError {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}
