//! AWS JSON 1.0: the action stands in a header, the request and the answer are JSON.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response};
use serde_json::json;

use crate::sqs::account::Account;
use crate::sqs::dispatch::{AnswerLost, perform};
use crate::sqs::refusal::Refusal;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// Whether the request names its action as this protocol does.
pub(crate) fn is_spoken(headers: &HeaderMap) -> bool {
    headers.contains_key(TARGET)
}

/// Answers a request. `None`: its body did not come as a whole.
pub(crate) async fn answer(
    account: &Arc<Account>,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<Response<Bytes>, AnswerLost> {
    let answered = match body {
        Some(body) => perform(account, action(headers), body).await?,
        None => Err(Refusal::incomplete_body()),
    };
    let mut response = match answered {
        Ok(body) => Response::new(Bytes::from(body)),
        Err(refusal) => refuse(&refusal),
    };
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// The action that a request asks for.
fn action(headers: &HeaderMap) -> &str {
    headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok()?.strip_prefix("AmazonSQS."))
        // No action has an empty name, so this is answered with an unknown operation.
        .unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "its proof stands beside it")]
fn refuse(refusal: &Refusal) -> Response<Bytes> {
    let body = json!({ "__type": refusal.shape(), "message": refusal.to_string() });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = refusal.status();
    let fault = if refusal.sender_fault() {
        "Sender"
    } else {
        "Receiver"
    };
    let error = HeaderValue::from_str(&format!("{};{fault}", refusal.code()))
        .expect("codes are ASCII letters and dots");
    response.headers_mut().insert(QUERY_ERROR, error);
    response
}
