//! Answers in AWS JSON 1.1.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use serde_json::{Value, json};

use crate::kms::fault::Refusal;

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");

/// The HTTP response of an answer.
pub(crate) fn response(answer: Result<Value, Refusal>) -> Response {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => {
            let body = match refusal.message {
                Some(message) => json!({ "__type": refusal.code, "message": message }),
                None => json!({ "__type": refusal.code }),
            };
            (refusal.status, body)
        }
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
