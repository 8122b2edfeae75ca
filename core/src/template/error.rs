//! What is wrong with a campaign's `messages`.

/// What is wrong with a campaign's `messages`: one sentence, about one field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The field's path, such as `messages[0].text`.
    pub(crate) field: String,
    /// What is wrong: the end of the sentence.
    pub(crate) problem: String,
}

impl TemplateError {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}
