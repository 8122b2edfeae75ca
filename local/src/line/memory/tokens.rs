//! Channel access tokens: whose they are, which are issued here, and until when they are valid.

use std::collections::HashMap;

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::line::answer::Answer;
use crate::line::endpoint::Endpoint;
use crate::line::options::LineOptions;

/// A stateless token lives 15 minutes, the others 30 days; of those a channel has 30 at a time.
/// <https://developers.line.biz/en/docs/basics/channel-access-token/>
const STATELESS: SignedDuration = SignedDuration::from_mins(15);
const LONG: SignedDuration = SignedDuration::from_hours(30 * 24);
const MOST: usize = 30;

/// The grant type that names the JWT way of asking.
const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The channels seen so far, by number, and the tokens issued to them.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    channels: HashMap<Box<str>, u32>,
    issued: HashMap<String, Issued>,
    serial: u64,
}

#[derive(Debug, Clone)]
struct Issued {
    channel: u32,
    kind: Endpoint,
    serial: u64,
    expires: Timestamp,
}

impl Tokens {
    /// The channel of a token that is valid now.
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

    /// Issues the kind of token that the endpoint is for. Any channel ID, secret and JWT will do: nothing is verified.
    pub(crate) fn issue(&mut self, kind: Endpoint, form: &[u8], now: Timestamp) -> Answer {
        let form: HashMap<_, _> = form_urlencoded::parse(form).collect();
        let field = |name: &str| form.get(name).map_or("", AsRef::as_ref);
        if field("grant_type") != "client_credentials" {
            return oauth_error("invalid_request", "grant_type is invalid");
        }
        let by_jwt = field("client_assertion_type") == JWT && !field("client_assertion").is_empty();
        let by_secret = !field("client_id").is_empty() && !field("client_secret").is_empty();
        let asked_well = match kind {
            Endpoint::JwtToken => by_jwt,
            Endpoint::ShortLivedToken => by_secret,
            _ => by_jwt || by_secret,
        };
        if !asked_well {
            return oauth_error("invalid_request", "Invalid 'client_credentials'.");
        }
        // A JWT's issuer is the channel ID; unread here, the whole assertion names the channel.
        let channel = self.number(if by_secret {
            field("client_id")
        } else {
            field("client_assertion")
        });
        if kind != Endpoint::StatelessToken && !self.make_room(channel, kind, now) {
            return Answer::refusal(
                StatusCode::BAD_REQUEST,
                "The maximum number of access tokens has already been issued",
            );
        }
        self.serial += 1;
        let token = format!("simulated-{}-{channel}", self.serial);
        let life = if kind == Endpoint::StatelessToken {
            STATELESS
        } else {
            LONG
        };
        self.issued.insert(
            token.clone(),
            Issued {
                channel,
                kind,
                serial: self.serial,
                expires: now + life,
            },
        );
        let mut body = json!({
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": life.as_secs(),
        });
        if kind == Endpoint::JwtToken
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("key_id".into(), format!("key-{}", self.serial).into());
        }
        Answer::json(&body)
    }

    /// Past the most, a v2.1 token is refused, and a short-lived one takes the oldest one's place.
    fn make_room(&mut self, channel: u32, kind: Endpoint, now: Timestamp) -> bool {
        let valid = |issued: &&Issued| {
            issued.channel == channel && issued.kind == kind && now < issued.expires
        };
        if self.issued.values().filter(valid).count() < MOST {
            return true;
        }
        let oldest = self.issued.values().filter(valid).map(|i| i.serial).min();
        if kind == Endpoint::ShortLivedToken {
            for issued in self.issued.values_mut() {
                if Some(issued.serial) == oldest {
                    issued.expires = now;
                }
            }
        }
        kind == Endpoint::ShortLivedToken
    }

    /// Ends a short-lived token; LINE answers 200 for one it never issued too.
    pub(crate) fn revoke(&mut self, form: &[u8], now: Timestamp) -> Answer {
        let token = form_urlencoded::parse(form).find(|(name, _)| name == "access_token");
        let Some((_, token)) = token else {
            return Answer::new(
                StatusCode::BAD_REQUEST,
                json!({"error": "invalid_request"}).to_string(),
            );
        };
        if let Some(issued) = self.issued.get_mut(token.as_ref())
            && issued.kind == Endpoint::ShortLivedToken
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
