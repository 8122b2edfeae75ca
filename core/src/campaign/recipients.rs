//! The campaign's field `recipients`.

use serde_json::{Map, Value};

use super::error::CampaignError;
use crate::s3_uri::S3Uri;

/// Where the rows are.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipients {
    /// In an object in S3.
    S3(S3Uri),
    /// In a file on this machine. Only the command line reads files.
    Path(String),
    /// In the campaign itself, one JSON object for each row.
    Inline(Vec<Map<String, Value>>),
}

impl Recipients {
    pub(super) fn from_value(value: Value) -> Result<Self, CampaignError> {
        let error = |problem: &str| CampaignError::field("recipients", problem);
        match value {
            Value::String(text) if S3Uri::is_meant(&text) => S3Uri::object(&text)
                .map(Self::S3)
                .map_err(|problem| error(&problem.to_string())),
            Value::String(text) if text.is_empty() => Err(error("is empty")),
            Value::String(text) => Ok(Self::Path(text)),
            Value::Array(rows) => rows
                .into_iter()
                .enumerate()
                .map(|(i, row)| inline_row(i, row))
                .collect::<Result<_, _>>()
                .map(Self::Inline),
            _ => Err(error(
                "is neither an `s3://` URI, nor a path, nor a list of rows",
            )),
        }
    }
}

fn inline_row(i: usize, row: Value) -> Result<Map<String, Value>, CampaignError> {
    match row {
        Value::Object(row) => Ok(row),
        _ => Err(CampaignError::field(
            format!("recipients[{i}]"),
            "is not an object such as `{\"to\": \"U…\"}`",
        )),
    }
}
