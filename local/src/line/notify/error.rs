//! LINE Notify's error body.

use hyper::StatusCode;
use serde_json::json;

use crate::line::answer::Answer;

/// An error answer: its body repeats the status.
pub(crate) fn error(status: StatusCode, message: &str) -> Answer {
    let body = json!({"status": status.as_u16(), "message": message});
    Answer::new(status, body.to_string())
}
