//! What the simulated LINE answers, before it becomes HTTP.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::json;

/// The text of a 401, as users report it. LINE's document has "Authentication failed due to the
/// following reason: XXX".
pub(crate) const UNAUTHORIZED: &str =
    "Authentication failed. Confirm that the access token in the authorization header is valid.";

/// The text of a 429 for the rate.
/// <https://developers.line.biz/en/reference/messaging-api/#error-messages>
pub(crate) const RATE_LIMITED: &str = "The API rate limit has been exceeded. Try again later.";

/// How an answer reaches the client, or that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once.
    Plain,
    /// After this time.
    Slow(Duration),
    /// Never: the connection is closed after this time.
    Silent(Duration),
    /// Never: the connection is reset.
    Reset,
}

/// Makes an error answer in the form of one of the two services.
pub(crate) type ErrorForm = fn(StatusCode, &str) -> Answer;

/// An answer, with the headers that not every answer has.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The JSON body, or nothing.
    pub(crate) body: Bytes,
    /// For example `x-line-accepted-request-id`, or LINE Notify's `x-ratelimit-*`.
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    /// How it reaches the client.
    pub(crate) manner: Manner,
}

impl Answer {
    /// An answer with this JSON body.
    pub(crate) fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            headers: Vec::new(),
            manner: Manner::Plain,
        }
    }

    /// `200` with LINE's empty object.
    pub(crate) fn empty() -> Self {
        Self::new(StatusCode::OK, "{}")
    }

    /// `200` with a JSON body.
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::new(StatusCode::OK, body.to_string())
    }

    /// The Messaging API's error body: `{"message": …}`.
    /// <https://developers.line.biz/en/reference/messaging-api/#error-responses>
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        Self::new(status, json!({ "message": message }).to_string())
    }

    /// There is no such endpoint here.
    pub(crate) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not found")
    }

    /// There is no valid token.
    pub(crate) fn unauthorized() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, UNAUTHORIZED)
    }

    /// The content type is not JSON. LINE documents the text but not the status.
    /// <https://developers.line.biz/en/reference/messaging-api/#error-messages>
    pub(crate) fn unsupported(content_type: &str) -> Self {
        Self::error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &format!("The content type, {content_type}, is not supported"),
        )
    }

    /// The body has more than 2 MB.
    pub(crate) fn too_large() -> Self {
        Self::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Request exceeds the max size of 2MB",
        )
    }

    /// There were too many requests in this second.
    pub(crate) fn rate_limited() -> Self {
        Self::error(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED)
    }

    /// The month's messages are used up.
    /// <https://developers.line.biz/en/reference/messaging-api/#error-messages>
    pub(crate) fn monthly_limit() -> Self {
        Self::error(
            StatusCode::TOO_MANY_REQUESTS,
            "You have reached your monthly limit.",
        )
    }
}
