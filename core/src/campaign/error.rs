//! What is wrong with a campaign.

use crate::template::TemplateError;

/// What is wrong with a campaign: one sentence, about one field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// The text is not JSON, or a field is unknown, missing or of the wrong kind.
    ///
    /// The sentence names the field, and the line and the column where there are any.
    #[error("{0}")]
    Json(String),
    /// A field's value can't be used.
    #[error("`{field}` {problem}")]
    Field {
        /// The field's path, such as `messages[0].text`.
        field: String,
        /// What is wrong: the end of the sentence.
        problem: String,
    },
}

impl CampaignError {
    /// A problem with one field.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl From<TemplateError> for CampaignError {
    fn from(error: TemplateError) -> Self {
        Self::Field {
            field: error.field,
            problem: error.problem,
        }
    }
}
