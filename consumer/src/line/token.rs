//! The channel access token: given, kept in Secrets Manager, or issued for fifteen minutes.

use std::time::Duration;

use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use fanline_telemetry::aws_error;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::secret;
use crate::channel::http::{self, HttpClient};
use crate::settings::TokenSource;

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// There is none, or it can't be read. A person has to act.
    #[error("there is no channel access token")]
    Missing,
    /// It could not be read this time.
    #[error("the channel access token could not be read this time")]
    Unavailable,
}

/// After a 401 the token is read again at most once in this time, however many requests got a 401.
const MIN_BETWEEN_READS: SignedDuration = SignedDuration::from_secs(60);
/// A stateless token is renewed this long before its end, so that no request outlives it.
const RENEW_BEFORE_END: SignedDuration = SignedDuration::from_secs(60);
/// After a failure the token is not read again for this long, so that a batch does not repeat it.
const MIN_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(5);
const ISSUE_PATH: &str = "/oauth2/v3/token";
/// No request for a stateless token takes longer.
const MAX_ISSUE: Duration = Duration::from_secs(5);

/// The token of this environment. It is handed out as the value of an `Authorization` header.
pub(crate) struct Tokens {
    source: TokenSource,
    /// Where stateless tokens are issued.
    issue_url: Url,
    client: HttpClient,
    secrets_manager: SecretsManager,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// When the token was last read because of a 401.
    reread: Option<Timestamp>,
    failed: Option<(Timestamp, TokenError)>,
}

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
    /// `None`: it has no end that we know of.
    ends: Option<Timestamp>,
}

#[derive(Deserialize)]
struct IssuedToken {
    access_token: SecretString,
    expires_in: i64,
}

impl Tokens {
    /// A token from `source`, which is not read yet. `base` is the Messaging API's.
    pub(crate) fn new(
        source: TokenSource,
        base: &str,
        client: HttpClient,
        secrets_manager: SecretsManager,
    ) -> Self {
        Self {
            source,
            issue_url: http::url(base, ISSUE_PATH),
            client,
            secrets_manager,
            state: Mutex::default(),
        }
    }

    /// The token. It is read or issued if there is none, or none that lasts.
    pub(crate) async fn current(&self, now: Timestamp) -> Result<HeaderValue, TokenError> {
        let mut state = self.state.lock().await;
        let lasts = |token: &Token| token.ends.is_none_or(|ends| now < ends - RENEW_BEFORE_END);
        match state.token.as_ref().filter(|token| lasts(token)) {
            Some(token) => Ok(token.authorization.clone()),
            None => self.read(&mut state, now).await,
        }
    }

    /// A token after LINE answered `refused` with 401. `None`: there is no other one now.
    pub(crate) async fn after(&self, refused: &HeaderValue, now: Timestamp) -> Option<HeaderValue> {
        let mut state = self.state.lock().await;
        // The token may have been read again already, after another request's 401.
        if let Some(token) = &state.token
            && token.authorization != refused
        {
            return Some(token.authorization.clone());
        }
        if matches!(self.source, TokenSource::Fixed(_) | TokenSource::None) {
            return None;
        }
        // The read of the cold start does not count: the token may have changed since then.
        let reread = state.reread;
        if reread.is_some_and(|reread| now.duration_since(reread) < MIN_BETWEEN_READS) {
            return None;
        }
        state.reread = Some(now);
        let token = self.read(&mut state, now).await.ok()?;
        (token != refused).then_some(token)
    }

    async fn read(&self, state: &mut State, now: Timestamp) -> Result<HeaderValue, TokenError> {
        if let Some((at, error)) = state.failed
            && now.duration_since(at) < MIN_AFTER_FAILURE
        {
            return Err(error);
        }
        match self.fetch(now).await {
            Ok(token) => {
                state.failed = None;
                Ok(state.token.insert(token).authorization.clone())
            }
            Err(error) => {
                state.failed = Some((now, error));
                Err(error)
            }
        }
    }

    async fn fetch(&self, now: Timestamp) -> Result<Token, TokenError> {
        let (token, ends) = match &self.source {
            TokenSource::None => return Err(TokenError::Missing),
            TokenSource::Fixed(token) => (token.clone(), None),
            TokenSource::Secret { arn } => (self.secret(arn).await?, None),
            TokenSource::Stateless {
                channel_id,
                channel_secret,
            } => {
                let issued = self.issue(channel_id, channel_secret).await?;
                let life = SignedDuration::from_secs(issued.expires_in);
                (issued.access_token, now.checked_add(life).ok())
            }
        };
        let authorization = http::bearer(token.expose_secret()).ok_or(TokenError::Missing)?;
        Ok(Token {
            authorization,
            ends,
        })
    }

    async fn secret(&self, arn: &str) -> Result<SecretString, TokenError> {
        let request = self.secrets_manager.get_secret_value().secret_id(arn);
        match request.send().await {
            Ok(value) => value
                .secret_string()
                .and_then(secret::token)
                .ok_or(TokenError::Missing),
            Err(error) => {
                let status = aws_error::status(&error);
                tracing::error!(status, error = aws_error::words(&error), "secret not read");
                Err(match status {
                    Some(400..=499) if error.code() != Some("ThrottlingException") => {
                        TokenError::Missing
                    }
                    _ => TokenError::Unavailable,
                })
            }
        }
    }

    async fn issue(&self, id: &str, secret: &SecretString) -> Result<IssuedToken, TokenError> {
        let request = self
            .client
            .post(self.issue_url.clone())
            .timeout(MAX_ISSUE)
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose_secret()),
            ]);
        let response = self.client.fetch(request).await;
        tracing::info!(
            method = "POST",
            endpoint = ISSUE_PATH,
            status = response.as_ref().ok().map(|response| response.status),
            failure = response.as_ref().err().map(|failure| failure.as_str()),
            "LINE token request"
        );
        let response = response.map_err(|_| TokenError::Unavailable)?;
        match response.status {
            200 => {
                let body = response.body.ok_or(TokenError::Unavailable)?;
                serde_json::from_slice(&body).map_err(|_| TokenError::Unavailable)
            }
            429 => Err(TokenError::Unavailable),
            400..=499 => Err(TokenError::Missing),
            _ => Err(TokenError::Unavailable),
        }
    }
}
