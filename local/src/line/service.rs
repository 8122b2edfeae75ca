//! What the simulated LINE decides about a request: no socket, no clock of its own.

use std::collections::{HashMap, HashSet};

use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::line::answer::{Answer, Manner, Refusal};
use crate::line::endpoint::Endpoint;
use crate::line::memory::keys::RetryKeys;
use crate::line::memory::ledger::{Digest, Ledger, RecipientKey};
use crate::line::memory::limits::{MonthlyUse, RateLimits};
use crate::line::memory::tokens::Tokens;
use crate::line::notify::NotifyHours;
use crate::line::notify::form::NotifyForm;
use crate::line::options::LineOptions;
use crate::line::request::SendRequest;
use crate::line::send::{Sender, read_key};

/// Everything that the simulated LINE knows.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) options: LineOptions,
    pub(crate) blocked: HashSet<RecipientKey>,
    pub(crate) unknown: HashSet<RecipientKey>,
    /// What was asked and accepted.
    pub(crate) ledger: Ledger,
    pub(crate) keys: RetryKeys,
    pub(crate) month: MonthlyUse,
    pub(crate) hours: NotifyHours,
    rates: RateLimits,
    tokens: Tokens,
    /// How often each request without a retry key has come.
    attempts: HashMap<Digest, u32>,
    /// Makes the request IDs of one server differ from another's.
    origin: u64,
    requests: u64,
}

/// Who asks for a token can't be told before the form is read: they share the endpoint's limit.
const NO_CHANNEL_YET: u32 = u32::MAX;

/// A request, as far as LINE looks at it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: Endpoint,
    /// The bearer token.
    pub(crate) token: Option<&'a str>,
    /// `X-Line-Retry-Key`.
    pub(crate) retry_key: Option<&'a str>,
    pub(crate) body: CallBody<'a>,
}

/// The body, read outside the lock that guards [`Line`].
#[derive(Debug)]
pub(crate) enum CallBody<'a> {
    /// Not needed, or a token endpoint's form.
    Bytes(&'a [u8]),
    /// Message objects, or what is wrong with them.
    Send(Result<SendRequest<'a>, Answer>),
    /// LINE Notify's form, or what is wrong with it.
    Notify(Result<NotifyForm, Answer>),
}

impl Line {
    pub(crate) fn new(options: LineOptions) -> Self {
        let origin = options.clock.now().as_microsecond().unsigned_abs();
        let mut line = Self {
            options: LineOptions::default(),
            blocked: HashSet::new(),
            unknown: HashSet::new(),
            ledger: Ledger::default(),
            keys: RetryKeys::default(),
            rates: RateLimits::default(),
            month: MonthlyUse::default(),
            hours: NotifyHours::default(),
            tokens: Tokens::default(),
            attempts: HashMap::new(),
            origin,
            requests: 0,
        };
        line.set_options(options);
        line
    }

    pub(crate) fn options(&self) -> &LineOptions {
        &self.options
    }

    pub(crate) fn set_options(&mut self, options: LineOptions) {
        self.blocked = options.blocked.iter().filter_map(|id| key_of(id)).collect();
        self.unknown = options.unknown.iter().filter_map(|id| key_of(id)).collect();
        self.options = options;
    }

    /// Decides about a request and says under which ID.
    pub(crate) fn answer(&mut self, call: &Call<'_>) -> (Uuid, Answer) {
        let now = self.options.clock.now();
        self.requests += 1;
        let number = self.requests;
        let answer = match call.endpoint {
            Endpoint::Notify | Endpoint::NotifyStatus | Endpoint::NotifyRevoke => {
                self.notify(call, number, now)
            }
            _ => self.messaging(call, number, now),
        };
        let goes_out = matches!(answer.manner, Manner::Plain | Manner::Slow(_));
        let status = goes_out.then(|| answer.status.as_u16());
        self.ledger.answered(call.endpoint, status);
        (self.request_id(number), answer)
    }

    /// The `x-line-request-id` of a request.
    pub(crate) fn request_id(&self, number: u64) -> Uuid {
        Uuid::from_u64_pair(self.origin, number)
    }

    fn messaging(&mut self, call: &Call<'_>, number: u64, now: Timestamp) -> Answer {
        let channel = match call.endpoint {
            Endpoint::StatelessToken
            | Endpoint::JwtToken
            | Endpoint::ShortLivedToken
            | Endpoint::RevokeToken => Some(NO_CHANNEL_YET),
            _ => call
                .token
                .and_then(|token| self.tokens.channel(&self.options, token, now)),
        };
        let Some(channel) = channel else {
            return Answer::unauthorized();
        };
        let burst = self.options.burst_seconds;
        if self.options.rate_limits && !self.rates.take(channel, call.endpoint, burst, now) {
            self.ledger.counts.rate_limited += 1;
            return Answer::rate_limited();
        }
        match (call.endpoint, &call.body) {
            (Endpoint::Push | Endpoint::Multicast, CallBody::Send(request)) => {
                let key = match call.retry_key.map(read_key).transpose() {
                    Ok(key) => key,
                    Err(answer) => return answer,
                };
                let sender = Sender {
                    channel,
                    retry_key: key,
                    request: number,
                    now,
                };
                match request {
                    Ok(request) => self.send(call.endpoint, request, sender),
                    Err(answer) => answer.clone(),
                }
            }
            (Endpoint::RevokeToken, CallBody::Bytes(form)) => self.tokens.revoke(form, now),
            (
                Endpoint::StatelessToken | Endpoint::JwtToken | Endpoint::ShortLivedToken,
                CallBody::Bytes(form),
            ) => self.tokens.issue(call.endpoint, form, now),
            // LINE answers 400 to a retry key on any endpoint that doesn't send; the text is this stand-in's.
            // https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
            _ if call.retry_key.is_some() => Answer::refusal(
                StatusCode::BAD_REQUEST,
                "The header 'X-Line-Retry-Key' is not supported by this endpoint",
            ),
            (Endpoint::Validate, CallBody::Send(Err(answer))) => answer.clone(),
            (Endpoint::Quota, _) => Answer::json(&match self.options.monthly_quota {
                Some(quota) => json!({"type": "limited", "value": quota}),
                None => json!({"type": "none"}),
            }),
            (Endpoint::Consumption, _) => {
                Answer::json(&json!({"totalUsage": self.month.used(channel, now)}))
            }
            _ => Answer::empty(),
        }
    }

    /// How often a request without a retry key has come, this time included. Only faults ask.
    pub(crate) fn attempt(&mut self, request: Digest) -> u32 {
        if self.options.faults.is_none() {
            return 1;
        }
        let attempt = self.attempts.entry(request).or_default();
        *attempt = attempt.saturating_add(1);
        *attempt
    }

    /// Has `take` decide, unless a fault comes before it; and one that comes after spoils the answer.
    pub(crate) fn meeting_faults(
        &mut self,
        identity: &Digest,
        attempt: u32,
        refusal: Refusal,
        take: impl FnOnce(&mut Self) -> Answer,
    ) -> Answer {
        let Some(fault) = self.options.faults.draw(identity, attempt) else {
            return take(self);
        };
        *self.ledger.counts.faults.entry(fault).or_default() += 1;
        if let Some(answer) = self.options.faults.before(fault, refusal) {
            return answer;
        }
        let answer = take(self);
        self.options.faults.after(fault, refusal, answer)
    }
}

fn key_of(id: &str) -> Option<RecipientKey> {
    let recipient = Recipient::parse(Channel::Line, id).ok()?;
    Some(recipient.fingerprint())
}
