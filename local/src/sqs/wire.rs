//! AWS JSON 1.0 over HTTP/1.1: finds the action of a request, and writes its answer.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::id_header::id_header;
use crate::sqs::account::Account;
use crate::sqs::actions::move_task;
use crate::sqs::actions::settle::Settle;
use crate::sqs::actions::{admin, receive, send, settings, settle};
use crate::sqs::faults::FaultDraws;
use crate::sqs::refusal::Refusal;

/// A request of 1 MiB fits, also if every character is escaped.
const MAX_REQUEST_BYTES: usize = 8 * 1_048_576;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The answer is lost: the connection is closed instead.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost: a fault of the queue server")]
pub struct AnswerLost;

/// Answers one HTTP request.
pub(crate) async fn answer(
    account: &Arc<Account>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await;
    let body = body.map(Collected::to_bytes).ok();
    let response = answer_action(account, action(&head.headers), body).await?;
    Ok(response.map(Full::from))
}

/// The action that a request asks for.
pub(crate) fn action(headers: &HeaderMap) -> &str {
    headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok()?.strip_prefix("AmazonSQS."))
        // No action has an empty name, so this is answered with an unknown operation.
        .unwrap_or_default()
}

/// Answers a request for an action. `None`: its body did not come as a whole.
pub(crate) async fn answer_action(
    account: &Arc<Account>,
    action: &str,
    body: Option<Bytes>,
) -> Result<Response<Bytes>, AnswerLost> {
    let mut draws = if is_faulty(action) {
        account.faults.draw()
    } else {
        FaultDraws::none()
    };
    let answer = match body {
        Some(_) if draws.throttled() => Err(Refusal::RequestThrottled),
        Some(body) => act(account, action, &body, &mut draws).await,
        None => Err(Refusal::Serialization(
            "the request is too long, or it ended early".to_owned(),
        )),
    };
    if answer.is_ok() && draws.lost() {
        return Err(AnswerLost);
    }
    let mut response = match answer {
        Ok(body) => Response::new(Bytes::from(body)),
        Err(refusal) => refuse(&refusal),
    };
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(REQUEST_ID, id_header(id));
    Ok(response)
}

/// Whether the action can have faults: actions on messages can, actions on queues can not.
fn is_faulty(action: &str) -> bool {
    [
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
    ]
    .iter()
    .any(|name| {
        action
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest == "Batch")
    })
}

async fn act(
    account: &Arc<Account>,
    action: &str,
    body: &[u8],
    draws: &mut FaultDraws<'_>,
) -> Result<Vec<u8>, Refusal> {
    match action {
        "SendMessage" => json_of(&send::send(account, read(body)?)?),
        "SendMessageBatch" => json_of(&send::send_batch(account, read(body)?, draws)?),
        "ReceiveMessage" => json_of(&receive::receive(account, read(body)?, draws).await?),
        "DeleteMessage" => done(settle::settle(account, &read(body)?, Settle::Delete)),
        "DeleteMessageBatch" => json_of(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::Delete,
        )?),
        "ChangeMessageVisibility" => done(settle::settle(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )),
        "ChangeMessageVisibilityBatch" => json_of(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )?),
        "CreateQueue" => json_of(&admin::create(account, &read(body)?)?),
        "GetQueueUrl" => json_of(&admin::url(account, &read(body)?)?),
        "ListQueues" => json_of(&admin::list(account, &read(body)?)?),
        "ListDeadLetterSourceQueues" => json_of(&admin::list_sources(account, &read(body)?)?),
        "GetQueueAttributes" => json_of(&settings::get_attributes(account, &read(body)?)?),
        "SetQueueAttributes" => done(settings::set_attributes(account, &read(body)?)),
        "TagQueue" => done(settings::tag(account, &read(body)?)),
        "UntagQueue" => done(settings::untag(account, &read(body)?)),
        "ListQueueTags" => json_of(&settings::tags(account, &read(body)?)?),
        "PurgeQueue" => done(admin::purge(account, &read(body)?)),
        "StartMessageMoveTask" => json_of(&move_task::start(account, &read(body)?)?),
        "ListMessageMoveTasks" => json_of(&move_task::list(account, &read(body)?)?),
        "CancelMessageMoveTask" => json_of(&move_task::cancel(account, &read(body)?)?),
        "DeleteQueue" => done(admin::delete(account, &read(body)?)),
        _ => Err(Refusal::UnknownOperation),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Serialization(error.to_string()))
}

fn json_of(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|_| Refusal::InternalError)
}

fn done(result: Result<(), Refusal>) -> Result<Vec<u8>, Refusal> {
    result.map(|()| b"{}".to_vec())
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
