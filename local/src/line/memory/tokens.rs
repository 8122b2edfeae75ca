//! Channel access tokens: their channels, the tokens issued here, and how long they are valid.

use std::collections::HashMap;

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::line::answer::Answer;
use crate::line::endpoint::LineEndpoint;
use crate::line::options::LineOptions;

/// A stateless token is valid for 15 minutes, the others for 30 days. A channel has at most 30
/// valid tokens of each of the other kinds.
/// <https://developers.line.biz/en/docs/basics/channel-access-token/>
const STATELESS_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
const MAX_TOKENS: usize = 30;

/// The assertion type of a request with a JWT.
const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The channels seen so far, and the tokens issued to them.
#[derive(Debug, Default)]
pub(crate) struct IssuedTokens {
    channels: HashMap<Box<str>, u32>,
    issued: HashMap<String, TokenGrant>,
    serial: u64,
}

#[derive(Debug, Clone)]
struct TokenGrant {
    channel: u32,
    kind: LineEndpoint,
    serial: u64,
    expires: Timestamp,
}

impl IssuedTokens {
    /// The number of the channel, if the token is valid now.
    pub(crate) fn channel(
        &mut self,
        options: &LineOptions,
        token: &str,
        now: Timestamp,
    ) -> Option<u32> {
        if options.revoked.contains(token) {
            return None;
        }
        if let Some(issued) = self.issued.get(token) {
            return (now < issued.expires).then_some(issued.channel);
        }
        if options.tokens.is_empty() {
            return Some(self.number(token));
        }
        options
            .tokens
            .get(token)
            .map(|channel| self.number(channel))
    }

    fn number(&mut self, channel: &str) -> u32 {
        if let Some(number) = self.channels.get(channel) {
            return *number;
        }
        let next = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        self.channels.insert(channel.into(), next);
        next
    }

    /// Issues the kind of token that the endpoint is for. Channel IDs, secrets and JWTs are not
    /// verified.
    pub(crate) fn issue(&mut self, kind: LineEndpoint, form: &[u8], now: Timestamp) -> Answer {
        let form: HashMap<_, _> = form_urlencoded::parse(form).collect();
        let field = |name: &str| form.get(name).map_or("", AsRef::as_ref);
        if field("grant_type") != "client_credentials" {
            return oauth_error("invalid_request", "grant_type is invalid");
        }
        let by_jwt = field("client_assertion_type") == JWT && !field("client_assertion").is_empty();
        let by_secret = !field("client_id").is_empty() && !field("client_secret").is_empty();
        let is_valid = match kind {
            LineEndpoint::JwtToken => by_jwt,
            LineEndpoint::ShortLivedToken => by_secret,
            _ => by_jwt || by_secret,
        };
        if !is_valid {
            return oauth_error("invalid_request", "Invalid 'client_credentials'.");
        }
        // The issuer in a JWT is the channel ID. The JWT is not read here, so the whole JWT names
        // the channel.
        let channel = self.number(if by_secret {
            field("client_id")
        } else {
            field("client_assertion")
        });
        if kind != LineEndpoint::StatelessToken && !self.make_room(channel, kind, now) {
            return Answer::error(
                StatusCode::BAD_REQUEST,
                "The maximum number of access tokens has already been issued",
            );
        }
        self.serial += 1;
        let token = format!("simulated-{}-{channel}", self.serial);
        let lifetime = if kind == LineEndpoint::StatelessToken {
            STATELESS_LIFETIME
        } else {
            LIFETIME
        };
        self.issued.insert(
            token.clone(),
            TokenGrant {
                channel,
                kind,
                serial: self.serial,
                expires: now + lifetime,
            },
        );
        let mut body = json!({
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": lifetime.as_secs(),
        });
        if kind == LineEndpoint::JwtToken
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("key_id".into(), format!("key-{}", self.serial).into());
        }
        Answer::json(&body)
    }

    /// Whether the channel can have one more token. If it has the maximum, a v2.1 token is refused,
    /// and a short-lived one ends the oldest one.
    fn make_room(&mut self, channel: u32, kind: LineEndpoint, now: Timestamp) -> bool {
        let valid = |issued: &&TokenGrant| {
            issued.channel == channel && issued.kind == kind && now < issued.expires
        };
        if self.issued.values().filter(valid).count() < MAX_TOKENS {
            return true;
        }
        let oldest = self
            .issued
            .values()
            .filter(valid)
            .map(|issued| issued.serial)
            .min();
        if kind == LineEndpoint::ShortLivedToken {
            for issued in self.issued.values_mut() {
                if Some(issued.serial) == oldest {
                    issued.expires = now;
                }
            }
        }
        kind == LineEndpoint::ShortLivedToken
    }

    /// Revokes a short-lived token. LINE answers 200 for an unknown token too.
    pub(crate) fn revoke(&mut self, form: &[u8], now: Timestamp) -> Answer {
        let token = form_urlencoded::parse(form).find(|(name, _)| name == "access_token");
        let Some((_, token)) = token else {
            return Answer::new(
                StatusCode::BAD_REQUEST,
                json!({"error": "invalid_request"}).to_string(),
            );
        };
        if let Some(issued) = self.issued.get_mut(token.as_ref())
            && issued.kind == LineEndpoint::ShortLivedToken
        {
            issued.expires = now;
        }
        Answer::new(StatusCode::OK, "")
    }
}

fn oauth_error(error: &str, description: &str) -> Answer {
    Answer::new(
        StatusCode::BAD_REQUEST,
        json!({"error": error, "error_description": description}).to_string(),
    )
}
