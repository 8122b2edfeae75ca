//! AWS JSON 1.0 over HTTP/1.1: which action a request is for, and how its answer looks.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sqs::account::Account;
use crate::sqs::actions::move_task;
use crate::sqs::actions::settle::Settle;
use crate::sqs::actions::{admin, receive, send, settings, settle};
use crate::sqs::faults::Draws;
use crate::sqs::refusal::Refusal;

/// Ten entries that fill a request, every character escaped, fit.
const MAX_REQUEST_BYTES: usize = 8 * 1_048_576;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The answer got lost on its way: the connection is closed instead.
#[derive(Debug, thiserror::Error)]
#[error("the answer was lost, as the faults have it")]
pub(crate) struct AnswerLost;

/// The answer to one HTTP request.
pub(crate) async fn answer(
    account: &Arc<Account>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    let action = head
        .headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok()?.strip_prefix("AmazonSQS."))
        .unwrap_or_default();
    let mut draws = if is_faulty(action) {
        account.faults.draw()
    } else {
        Draws::none()
    };
    let answer = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(_) if draws.throttled() => Err(Refusal::RequestThrottled),
        Ok(body) => act(account, action, &body.to_bytes(), &mut draws).await,
        Err(_) => Err(Refusal::Serialization(
            "the request is too long, or it ended early".to_owned(),
        )),
    };
    if answer.is_ok() && draws.lost() {
        return Err(AnswerLost);
    }
    let mut response = match answer {
        Ok(body) => Response::new(Full::from(body)),
        Err(refusal) => refuse(&refusal),
    };
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    {
        headers.insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// Whether faults are drawn for the action: those that move messages, not those that set up the world.
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
    draws: &mut Draws<'_>,
) -> Result<Vec<u8>, Refusal> {
    match action {
        "SendMessage" => json(&send::send(account, read(body)?)?),
        "SendMessageBatch" => json(&send::send_batch(account, read(body)?, draws)?),
        "ReceiveMessage" => json(&receive::receive(account, read(body)?, draws).await?),
        "DeleteMessage" => done(settle::settle(account, &read(body)?, Settle::Delete)),
        "DeleteMessageBatch" => json(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::Delete,
        )?),
        "ChangeMessageVisibility" => done(settle::settle(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )),
        "ChangeMessageVisibilityBatch" => json(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )?),
        "CreateQueue" => json(&admin::create(account, &read(body)?)?),
        "GetQueueUrl" => json(&admin::url(account, &read(body)?)?),
        "ListQueues" => json(&admin::list(account, &read(body)?)?),
        "ListDeadLetterSourceQueues" => json(&admin::list_sources(account, &read(body)?)?),
        "GetQueueAttributes" => json(&settings::get_attributes(account, &read(body)?)?),
        "SetQueueAttributes" => done(settings::set_attributes(account, &read(body)?)),
        "TagQueue" => done(settings::tag(account, &read(body)?)),
        "UntagQueue" => done(settings::untag(account, &read(body)?)),
        "ListQueueTags" => json(&settings::tags(account, &read(body)?)?),
        "PurgeQueue" => done(admin::purge(account, &read(body)?)),
        "StartMessageMoveTask" => json(&move_task::start(account, &read(body)?)?),
        "ListMessageMoveTasks" => json(&move_task::list(account, &read(body)?)?),
        "CancelMessageMoveTask" => json(&move_task::cancel(account, &read(body)?)?),
        "DeleteQueue" => done(admin::delete(account, &read(body)?)),
        _ => Err(Refusal::UnknownOperation),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Serialization(error.to_string()))
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|_| Refusal::InternalError)
}

fn done(result: Result<(), Refusal>) -> Result<Vec<u8>, Refusal> {
    result.map(|()| b"{}".to_vec())
}

fn refuse(refusal: &Refusal) -> Response<Full<Bytes>> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(rename = "__type")]
        shape: &'a str,
        message: String,
    }
    let body = Body {
        shape: refusal.shape(),
        message: refusal.to_string(),
    };
    let mut response = Response::new(Full::from(json(&body).unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fault = if refusal.sender_fault() {
        "Sender"
    } else {
        "Receiver"
    };
    if let Ok(error) = HeaderValue::from_str(&format!("{};{fault}", refusal.code())) {
        response.headers_mut().insert(QUERY_ERROR, error);
    }
    response
}
