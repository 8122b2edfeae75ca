//! The HTTP client of both channels, what its answers and errors are, and how long all clients wait.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};

use crate::channel::response::{Allowance, Answer, Failure, Reply};

/// A connection is made in this time or not at all; what was not sent can safely be sent again.
const CONNECT: Duration = Duration::from_secs(3);
/// An environment sleeps between invocations, and a connection may be gone when it wakes: an old one is not used again.
const IDLE: Duration = Duration::from_secs(15);

/// The client: with time-outs, and without redirects, which would carry messages and tokens to where nobody sent them.
pub(crate) fn client(request_timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(CONNECT.min(request_timeout))
        .timeout(request_timeout)
        .pool_idle_timeout(IDLE)
        .redirect(Policy::none())
        .user_agent(concat!("fanline/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The SDK's configuration with time-outs, so that its clients give up before an invocation does.
pub(crate) fn patient(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    config
        .clone()
        .into_builder()
        .timeout_config(timeouts)
        .build()
}

/// The `Authorization` header, marked so that nothing prints it. `None` where no header can hold the token.
pub(crate) fn bearer(token: &str) -> Option<(reqwest::header::HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some((AUTHORIZATION, value))
}

/// Sends a request and waits for the whole answer. Every way of getting none is an answer too.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    match request.send().await {
        Ok(response) => {
            let headers = response.headers();
            let reply = Reply {
                status: response.status().as_u16(),
                body: None,
                request_id: text(headers, "x-line-request-id"),
                accepted_request_id: text(headers, "x-line-accepted-request-id"),
                allowance: allowance(headers),
            };
            // The status stands, whether its body can be read or not.
            let body = response.text().await.ok();
            Answer::Status(Reply { body, ..reply })
        }
        Err(error) if error.is_connect() || error.is_builder() => {
            Answer::Unanswered(Failure::NotConnected)
        }
        Err(error) if error.is_timeout() => Answer::Unanswered(Failure::TimedOut),
        Err(_) => Answer::Unanswered(Failure::Lost),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn allowance(headers: &HeaderMap) -> Allowance {
    let number = |name| text(headers, name)?.trim().parse::<i64>().ok();
    let count = |name| number(name).and_then(|number| u64::try_from(number).ok());
    Allowance {
        calls: count("x-ratelimit-remaining"),
        images: count("x-ratelimit-imageremaining"),
        reset: number("x-ratelimit-reset").and_then(|second| Timestamp::from_second(second).ok()),
    }
}
