//! What the simulated LINE answers, before it becomes HTTP.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::line::notify::HourLeft;

/// 401's text, as users report it; LINE documents "Authentication failed due to the following reason: XXX".
pub(crate) const UNAUTHORIZED: &str =
    "Authentication failed. Confirm that the access token in the authorization header is valid.";

/// 429's text for the rate. <https://developers.line.biz/en/reference/messaging-api/#error-messages>
pub(crate) const RATE_LIMITED: &str = "The API rate limit has been exceeded. Try again later.";

/// How an answer reaches the client, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once.
    Plain,
    /// So much later.
    Slow(Duration),
    /// Never: after so long the connection is closed.
    Silent(Duration),
    /// Never: the connection is reset.
    Reset,
}

/// Words an error as one of the two services does.
pub(crate) type Refusal = fn(StatusCode, &str) -> Answer;

/// An answer and the headers that are not the same on every one.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The JSON body, or nothing.
    pub(crate) body: Bytes,
    /// `x-line-accepted-request-id`: the request that was accepted with the same retry key.
    pub(crate) accepted_request: Option<Uuid>,
    /// LINE Notify's `X-RateLimit-*`.
    pub(crate) hour_left: Option<HourLeft>,
    /// How it is given.
    pub(crate) manner: Manner,
}

impl Answer {
    /// An answer with this JSON body.
    pub(crate) fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            accepted_request: None,
            hour_left: None,
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
    pub(crate) fn refusal(status: StatusCode, message: &str) -> Self {
        Self::new(status, json!({ "message": message }).to_string())
    }

    /// No such endpoint here.
    pub(crate) fn not_found() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "Not found")
    }

    /// No valid token.
    pub(crate) fn unauthorized() -> Self {
        Self::refusal(StatusCode::UNAUTHORIZED, UNAUTHORIZED)
    }

    /// Another content type than JSON. LINE documents the text, not its status.
    /// <https://developers.line.biz/en/reference/messaging-api/#error-messages>
    pub(crate) fn unsupported(content_type: &str) -> Self {
        Self::refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &format!("The content type, {content_type}, is not supported"),
        )
    }

    /// Over 2 MB.
    pub(crate) fn too_large() -> Self {
        Self::refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Request exceeds the max size of 2MB",
        )
    }

    /// Over the requests a second.
    pub(crate) fn rate_limited() -> Self {
        Self::refusal(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED)
    }

    /// The month's messages are used up.
    /// <https://developers.line.biz/en/reference/messaging-api/#error-messages>
    pub(crate) fn monthly_limit() -> Self {
        Self::refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "You have reached your monthly limit.",
        )
    }
}
