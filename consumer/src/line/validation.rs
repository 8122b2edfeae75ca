//! Whether LINE would take messages: a request that sends nothing.
//! <https://developers.line.biz/en/reference/messaging-api/#validate-message-objects-of-push-message>

use aws_config::SdkConfig;
use fanline_core::delivery::Endpoint;
use fanline_core::surroundings::Clock;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::channel::http::{self, HttpClient};
use crate::channel::response::Response;
use crate::line::error_body::quote;
use crate::line::token::Tokens;
use crate::settings::LineAccess;

/// Asks LINE whether it would take messages.
pub struct LineValidator {
    client: HttpClient,
    base: String,
    tokens: Tokens,
    clock: Clock,
}

/// Why LINE did not say that it would take the messages.
#[derive(Debug, thiserror::Error)]
pub enum ValidationError {
    /// LINE would refuse the messages. The text is what LINE says, without any ID.
    #[error("LINE refuses the messages: {0}")]
    Refused(String),
    /// LINE refuses the token.
    #[error("LINE refuses the channel access token")]
    Token,
    /// There is no token.
    #[error("{0}")]
    NoToken(String),
    /// LINE gave another answer, or none.
    #[error("LINE did not say whether it takes the messages: {0}")]
    NoAnswer(String),
    /// There is no HTTP client. Usually TLS has no root certificates.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
}

impl LineValidator {
    /// A validator that reaches LINE by `access`. `config` is for a token in Secrets Manager.
    pub fn new(access: LineAccess, config: &SdkConfig) -> Result<Self, ValidationError> {
        let client = HttpClient::new(access.request_timeout).map_err(ValidationError::Http)?;
        let secrets = aws_sdk_secretsmanager::Client::new(&http::with_timeouts(config));
        let base = access.line_api_base;
        Ok(Self {
            tokens: Tokens::new(access.token, &base, client.clone(), secrets),
            client,
            base,
            clock: Clock::default(),
        })
    }

    /// Asks whether LINE would take `messages`, a JSON array of message objects, at `endpoint`.
    ///
    /// It may be asked any number of times: LINE sends nothing and counts nothing. The request has
    /// no retry key, which LINE refuses here.
    pub async fn validate(
        &self,
        endpoint: Endpoint,
        messages: &str,
    ) -> Result<(), ValidationError> {
        let token = self.tokens.current(self.clock.now()).await;
        let token = token.map_err(|error| ValidationError::NoToken(error.to_string()))?;
        let path = path(endpoint);
        let post = self
            .client
            .post(http::url(&self.base, path))
            .header(AUTHORIZATION, token)
            .header(CONTENT_TYPE, "application/json")
            .body(format!("{{\"messages\":{messages}}}"));
        let response = self.client.fetch(post).await;
        tracing::info!(
            method = "POST",
            endpoint = path,
            status = response.as_ref().ok().map(|response| response.status),
            failure = response.as_ref().err().map(|failure| failure.as_str()),
            request_id = response.as_ref().ok().and_then(Response::request_id),
            "LINE validation request"
        );
        let response =
            response.map_err(|failure| ValidationError::NoAnswer(failure.as_str().into()))?;
        let words = quote(&response.text(), &[]);
        match response.status {
            200 => Ok(()),
            400 => Err(ValidationError::Refused(words)),
            401 => Err(ValidationError::Token),
            status => Err(ValidationError::NoAnswer(format!(
                "status {status}: {words}"
            ))),
        }
    }
}

fn path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Push => "/v2/bot/message/validate/push",
        Endpoint::Multicast => "/v2/bot/message/validate/multicast",
    }
}
