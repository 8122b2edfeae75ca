//! A failed invocation, as Lambda reports it.

use std::error::Error;
use std::fmt;

use fanline_producer::ProduceError;
use lambda_runtime::Diagnostic;

/// What Lambda reports, and keeps with the event in the failure queue: the error as a sentence, and what it came from.
pub(crate) struct Failed(pub(crate) ProduceError);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut said = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Some of our errors have their cause in the sentence already.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said.push_str(&text);
            }
            source = error.source();
        }
        Ok(())
    }
}

/// The runtime logs the debug form.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self {
            error_type: "ProduceError".into(),
            error_message: failed.to_string(),
        }
    }
}
