//! The channel access token: given, kept in Secrets Manager, or issued for fifteen minutes at a time.

use std::time::Duration;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::settings::{TokenSource, fits_in_a_header};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// None is set, or the one that is can't be had: a person has to act.
    #[error("there is no channel access token")]
    Missing,
    /// It could not be had this time.
    #[error("the channel access token could not be read this time")]
    Unavailable,
}

/// After a 401 a token is read again at most once in this time, however many requests got one.
const BETWEEN_READS: SignedDuration = SignedDuration::from_secs(60);
/// A stateless token is renewed so long before its end that no request outlives it.
const BEFORE_ITS_END: SignedDuration = SignedDuration::from_secs(60);
/// A read that failed is not repeated for each of a batch's deliveries.
const AFTER_A_FAILURE: SignedDuration = SignedDuration::from_secs(5);

/// The token as this environment has it.
pub(crate) struct Tokens {
    source: TokenSource,
    issuer: Issuer,
    secrets: aws_sdk_secretsmanager::Client,
    kept: Mutex<Kept>,
}

/// What issues stateless tokens.
pub(crate) struct Issuer {
    /// The client, with its time-outs.
    pub http: reqwest::Client,
    /// The Messaging API's base.
    pub base: String,
}

#[derive(Default)]
struct Kept {
    token: Option<SecretString>,
    ends: Option<Timestamp>,
    read: Option<Timestamp>,
    failed: Option<(Timestamp, TokenError)>,
}

#[derive(Deserialize)]
struct Issued {
    access_token: SecretString,
    expires_in: i64,
}

impl Tokens {
    /// Nothing is read yet.
    pub(crate) fn new(
        source: TokenSource,
        issuer: Issuer,
        secrets: aws_sdk_secretsmanager::Client,
    ) -> Self {
        Self {
            source,
            issuer,
            secrets,
            kept: Mutex::default(),
        }
    }

    /// The token, read or issued if there is none that lasts.
    pub(crate) async fn current(&self, now: Timestamp) -> Result<SecretString, TokenError> {
        let mut kept = self.kept.lock().await;
        let lasts = kept.ends.is_none_or(|ends| now < ends - BEFORE_ITS_END);
        match &kept.token {
            Some(token) if lasts => Ok(token.clone()),
            _ => self.read(&mut kept, now).await,
        }
    }

    /// Another token than `refused`, which LINE answered with 401; `None` where there is none to be had now.
    pub(crate) async fn after(
        &self,
        refused: &SecretString,
        now: Timestamp,
    ) -> Option<SecretString> {
        let mut kept = self.kept.lock().await;
        let differs = |token: &SecretString| token.expose_secret() != refused.expose_secret();
        // Somebody else's 401 may have had it read already.
        if let Some(token) = kept.token.clone().filter(differs) {
            return Some(token);
        }
        if matches!(self.source, TokenSource::Fixed(_) | TokenSource::None) {
            return None;
        }
        // The first read of all does not count: a token can have been changed since the cold start.
        if kept
            .read
            .is_some_and(|read| now.duration_since(read) < BETWEEN_READS)
        {
            return None;
        }
        kept.read = Some(now);
        self.read(&mut kept, now).await.ok().filter(differs)
    }

    async fn read(&self, kept: &mut Kept, now: Timestamp) -> Result<SecretString, TokenError> {
        if let Some((at, error)) = kept.failed
            && now.duration_since(at) < AFTER_A_FAILURE
        {
            return Err(error);
        }
        let read = self.fetch(now).await;
        match &read {
            Ok((token, ends)) => {
                *kept = Kept {
                    token: Some(token.clone()),
                    ends: *ends,
                    read: kept.read,
                    failed: None,
                };
            }
            Err(error) => kept.failed = Some((now, *error)),
        }
        read.map(|(token, _)| token)
    }

    async fn fetch(&self, now: Timestamp) -> Result<(SecretString, Option<Timestamp>), TokenError> {
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
        if !fits_in_a_header(token.expose_secret()) {
            return Err(TokenError::Missing);
        }
        Ok((token, ends))
    }

    async fn secret(&self, arn: &str) -> Result<SecretString, TokenError> {
        let answer = self.secrets.get_secret_value().secret_id(arn).send().await;
        match answer {
            Ok(value) => value
                .secret_string()
                .map(|token| token.trim().into())
                .ok_or(TokenError::Missing),
            Err(error) => {
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                tracing::error!(code = error.code(), status, "the secret could not be read");
                Err(match status {
                    Some(400..=499) if error.code() != Some("ThrottlingException") => {
                        TokenError::Missing
                    }
                    _ => TokenError::Unavailable,
                })
            }
        }
    }

    async fn issue(&self, id: &str, secret: &SecretString) -> Result<Issued, TokenError> {
        let answer = self
            .issuer
            .http
            .post(format!("{}/oauth2/v3/token", self.issuer.base))
            .timeout(Duration::from_secs(5))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose_secret()),
            ])
            .send()
            .await
            .map_err(|_| TokenError::Unavailable)?;
        let status = answer.status();
        tracing::info!(
            method = "POST",
            endpoint = "/oauth2/v3/token",
            status = status.as_u16(),
            "asked for a stateless token"
        );
        match status {
            StatusCode::OK => answer.json().await.map_err(|_| TokenError::Unavailable),
            StatusCode::TOO_MANY_REQUESTS => Err(TokenError::Unavailable),
            status if status.is_client_error() => Err(TokenError::Missing),
            _ => Err(TokenError::Unavailable),
        }
    }
}
