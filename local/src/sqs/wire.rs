//! HTTP/1.1: finds the protocol that a request speaks, and answers in the same.
//!
//! SQS has two: AWS JSON, and the older query protocol with its answers in XML.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use hyper::{Request, Response};

use crate::id_header::id_header;
use crate::sqs::account::Account;
use crate::sqs::dispatch::AnswerLost;

mod json;
mod query;

/// A request of 1 MiB fits, also if every character is escaped.
const MAX_REQUEST_BYTES: usize = 8 * 1_048_576;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Answers one HTTP request.
pub(crate) async fn answer(
    account: &Arc<Account>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await;
    let body = body.map(Collected::to_bytes).ok();
    let response = answer_parts(account, &head, body.as_deref()).await?;
    Ok(response.map(Full::from))
}

/// Answers a request. `None`: its body did not come as a whole.
pub(crate) async fn answer_parts(
    account: &Arc<Account>,
    head: &Parts,
    body: Option<&[u8]>,
) -> Result<Response<Bytes>, AnswerLost> {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut response = if !json::is_spoken(&head.headers) && query::is_spoken(head) {
        query::answer(account, head, body, id).await?
    } else {
        json::answer(account, &head.headers, body).await?
    };
    response.headers_mut().insert(REQUEST_ID, id_header(id));
    Ok(response)
}
