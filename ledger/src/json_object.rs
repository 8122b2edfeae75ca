//! Small JSON objects of the ledger: read whole, and what is wrong with one names the field.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of every small object that this build writes and reads.
pub(crate) const VERSION: u64 = 1;

/// Why an object of the ledger can't be read: one sentence that names the object and the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Not JSON, a field too many or too few, or one with a value that can't be.
    #[error("`{object}`: {}{problem}", named(.field))]
    Field {
        /// The object, such as `control.json`.
        object: &'static str,
        /// The field's path, such as `runs.xmas.state`; empty where it is the object as a whole.
        field: String,
        /// What is wrong, as the end of the sentence.
        problem: String,
    },
    /// Written by a version that this build does not know.
    #[error("`{object}` is of version {found}; this build reads version {VERSION}")]
    Version {
        /// The object.
        object: &'static str,
        /// Its version.
        found: u64,
    },
}

impl ObjectError {
    pub(crate) fn field(
        object: &'static str,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Field {
            object,
            field: field.into(),
            problem: problem.into(),
        }
    }
}

fn named(field: &str) -> String {
    if field.is_empty() || field == "." {
        String::new()
    } else {
        format!("field `{field}`: ")
    }
}

#[derive(Deserialize)]
struct Versioned {
    v: Option<u64>,
}

/// Reads an object. A later version may have another shape altogether, so the version is told
/// first.
pub(crate) fn decode<T: DeserializeOwned>(
    object: &'static str,
    json: &[u8],
) -> Result<T, ObjectError> {
    let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
    if let Ok(Versioned { v: Some(found) }) = serde_json::from_slice(json)
        && found != VERSION
    {
        return Err(ObjectError::Version { object, found });
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        ObjectError::field(object, field, error.into_inner().to_string())
    })?;
    let end = reader.end();
    end.map_err(|error| ObjectError::field(object, "", error.to_string()))?;
    Ok(value)
}

/// Writes an object for people to read.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "text, numbers, lists and maps with text keys are JSON"
    )]
    let mut json = serde_json::to_vec_pretty(value).expect("an object of the ledger is JSON");
    json.push(b'\n');
    json
}
