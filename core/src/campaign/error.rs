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

/// What a campaign looks like, for who has named another file.
const FORM: &str = r#"a campaign looks like `{"campaign": "xmas", "channel": "line", "recipients": "friends.csv", "messages": [{"type": "text", "text": "hello"}]}`"#;

impl CampaignError {
    /// What is wrong with a text that can't be read as a campaign.
    pub(super) fn of_text(text: &str, error: &serde_json::Error) -> Self {
        let text = text.trim();
        let place = format!("line {}, column {}", error.line(), error.column());
        Self::Json(if text.is_empty() {
            format!("the campaign is empty; {FORM}")
        } else if !text.starts_with('{') {
            format!("is not a campaign, since it does not begin with `{{`; {FORM}")
        } else if error.is_eof() {
            format!("is not whole: the JSON ends at {place}, before its last `}}`")
        } else if error.is_syntax() {
            format!("is not JSON: {error}")
        } else {
            error.to_string()
        })
    }

    /// What is wrong with a value that is not a campaign.
    pub(super) fn of_value(is_object: bool, error: &serde_json::Error) -> Self {
        Self::Json(if is_object {
            error.to_string()
        } else {
            format!("the campaign is not a JSON object; {FORM}")
        })
    }

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Campaign;

    #[test]
    fn a_file_that_is_no_campaign_is_told_what_one_looks_like() {
        for (text, start) in [
            ("", "the campaign is empty; a campaign looks like `{"),
            (" \r\n", "the campaign is empty; a campaign looks like `{"),
            (
                "to,name\nU1,Ann\n",
                "is not a campaign, since it does not begin",
            ),
            ("[]", "is not a campaign, since it does not begin"),
            (
                "{\n  \"campaign\": \n",
                "is not whole: the JSON ends at line 3, column 0",
            ),
            (
                "{'campaign': 1}",
                "is not JSON: key must be a string at line 1 column 2",
            ),
        ] {
            let problem = Campaign::parse(text).unwrap_err().to_string();
            assert!(problem.starts_with(start), "{text:?}: {problem}");
        }
        let problem = Campaign::from_value(json!([])).unwrap_err().to_string();
        assert!(problem.contains("not a JSON object"), "{problem}");
    }
}
