//! A failed invocation, as Lambda reports it.

use std::fmt;

use fanline_producer::ProduceError;
use lambda_runtime::Diagnostic;

/// The error that Lambda reports, and keeps with the event in the failure queue: one sentence.
pub(crate) struct Failed(pub(crate) ProduceError);

/// The sentence: the Lambda runtime logs the debug form of an error.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self {
            error_type: "ProduceError".into(),
            error_message: error.to_string(),
        }
    }
}
