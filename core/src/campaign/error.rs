//! What is wrong with a campaign.

use crate::line_message::Problem;
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
    /// LINE would refuse the messages, whatever the rows are.
    #[error("{}", in_sentences(.0))]
    Refused(Vec<Problem>),
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
        match error {
            TemplateError::Field { field, problem } => Self::Field { field, problem },
            TemplateError::Refused(problems) => Self::Refused(problems),
        }
    }
}

/// How many problems are told at once.
const MAX_TOLD: usize = 5;

/// The problems, each with the section of LINE's reference that has the rule.
fn in_sentences(problems: &[Problem]) -> String {
    let told = problems.iter().take(MAX_TOLD);
    let mut told: Vec<_> = told
        .map(|problem| format!("{problem} ({})", problem.reference))
        .collect();
    if problems.len() > MAX_TOLD {
        told.push(format!("and {} more", problems.len() - MAX_TOLD));
    }
    told.join("; ")
}
