//! The query protocol: the request is a form, the answer is XML.
//!
//! Clients from before 2023 speak it, and the AWS CLI of Debian 12. A request is put into the JSON
//! of the other protocol, and the JSON answer into XML, both by the tables in `shapes`.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html>

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use uuid::Uuid;

use crate::sqs::account::Account;
use crate::sqs::dispatch::{AnswerLost, perform};
use crate::sqs::refusal::Refusal;

mod form;
mod shapes;
mod xml;

const FORM: &str = "application/x-www-form-urlencoded";
const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// Whether the request can only be one of this protocol.
pub(crate) fn is_spoken(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE);
    head.method == Method::GET
        || head.uri.query().is_some()
        || content_type.is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()))
}

/// Answers a request. `None`: its body did not come as a whole.
pub(crate) async fn answer(
    account: &Arc<Account>,
    head: &Parts,
    body: Option<&[u8]>,
    id: Uuid,
) -> Result<Response<Bytes>, AnswerLost> {
    let url = format!("{}{}", account.url, head.uri.path());
    let request = match body {
        Some(body) => form::request(&[head.uri.query().map(str::as_bytes), Some(body)], &url),
        None => Err(Refusal::incomplete_body()),
    };
    let answered = match request {
        Ok((action, json)) => {
            let answer = perform(account, action.name, &json).await?;
            answer.and_then(|json| xml::answer(action, &json, id))
        }
        Err(refusal) => Err(refusal),
    };
    let mut response = match answered {
        Ok(body) => Response::new(Bytes::from(body)),
        Err(refusal) => {
            let mut response = Response::new(Bytes::from(xml::error(&refusal, id)));
            *response.status_mut() = status(&refusal);
            response
        }
    };
    response.headers_mut().insert(CONTENT_TYPE, XML);
    Ok(response)
}

/// The HTTP status of a refused request. For one error it is not that of the JSON protocol.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidAddress(_) => StatusCode::NOT_FOUND,
        _ => refusal.status(),
    }
}
