//! What the simulated LINE decides about a request: no socket, no clock of its own.

use std::collections::HashSet;

use fanline_core::campaign::Channel;
use fanline_core::recipient::Recipient;
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::line_answer::Answer;
use crate::line_endpoint::Endpoint;
use crate::line_keys::{AcceptedSend, RetryKeys};
use crate::line_ledger::{Accepted, Ledger, RecipientKey};
use crate::line_limits::{MonthlyUse, RateLimits};
use crate::line_notify::{self, NotifyForm, NotifyHours};
use crate::line_options::{LineOptions, UnknownInMulticast};
use crate::line_request::SendRequest;
use crate::line_tokens::Tokens;

/// Everything that the simulated LINE knows.
#[derive(Debug)]
pub(crate) struct Line {
    options: LineOptions,
    blocked: HashSet<RecipientKey>,
    unknown: HashSet<RecipientKey>,
    /// What was asked and accepted.
    pub(crate) ledger: Ledger,
    keys: RetryKeys,
    rates: RateLimits,
    month: MonthlyUse,
    tokens: Tokens,
    hours: NotifyHours,
    /// Makes the request IDs of one server differ from another's.
    origin: u64,
    requests: u64,
}

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
            tokens: Tokens::default(),
            hours: NotifyHours::default(),
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
        self.ledger
            .answered(call.endpoint, Some(answer.status.as_u16()));
        (self.request_id(number), answer)
    }

    fn request_id(&self, number: u64) -> Uuid {
        Uuid::from_u64_pair(self.origin, number)
    }

    fn messaging(&mut self, call: &Call<'_>, number: u64, now: Timestamp) -> Answer {
        match (call.endpoint, &call.body) {
            (
                Endpoint::StatelessToken | Endpoint::JwtToken | Endpoint::ShortLivedToken,
                CallBody::Bytes(form),
            ) => return self.tokens.issue(call.endpoint, form, now),
            (Endpoint::RevokeToken, CallBody::Bytes(form)) => return self.tokens.revoke(form, now),
            _ => {}
        }
        let channel = call
            .token
            .and_then(|token| self.tokens.channel(&self.options, token, now));
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
                match request {
                    Ok(request) => self.send(call.endpoint, request, channel, key, number, now),
                    Err(answer) => answer.clone(),
                }
            }
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

    fn send(
        &mut self,
        endpoint: Endpoint,
        request: &SendRequest<'_>,
        channel: u32,
        key: Option<Uuid>,
        number: u64,
        now: Timestamp,
    ) -> Answer {
        let sent = AcceptedSend {
            request: number,
            messages: request.count,
        };
        if let Some(key) = key {
            let kept = self.keys.see(channel, key, request.body, now);
            self.ledger.counts.changed_under_key += u64::from(kept.changed);
            if let Some(accepted) = kept.accepted {
                self.ledger.counts.already_accepted += 1;
                return self.already_accepted(endpoint, accepted);
            }
        } else {
            self.ledger.counts.without_retry_key += 1;
        }
        let is_unknown = |to: &&RecipientKey| self.unknown.contains(*to);
        let refuses_unknown = endpoint == Endpoint::Push
            || self.options.unknown_in_multicast == UnknownInMulticast::Refuse;
        if refuses_unknown && request.to.iter().any(|to| is_unknown(&to)) {
            return Answer::refusal(StatusCode::BAD_REQUEST, "Failed to send messages");
        }
        let reached: Vec<RecipientKey> = request
            .to
            .iter()
            .filter(|to| !is_unknown(to) && !self.blocked.contains(*to))
            .copied()
            .collect();
        let people = reached.iter().map(|to| self.people(to)).sum();
        if let Some(quota) = self.options.monthly_quota
            && self.month.used(channel, now).saturating_add(people) > quota
        {
            self.ledger.counts.over_quota += 1;
            return Answer::monthly_limit();
        }
        self.month.add(channel, people, now);
        self.ledger.counts.not_delivered += (request.to.len() - reached.len()) as u64;
        let accepted = Accepted {
            at: now,
            endpoint,
            request_id: self.request_id(number),
            retry_key: key,
            messages: request.messages,
        };
        self.ledger.accept(&accepted, &reached);
        if let Some(key) = key {
            self.keys.accept(channel, key, sent);
        }
        if endpoint == Endpoint::Push {
            Answer::json(&json!({ "sentMessages": sent_messages(sent) }))
        } else {
            Answer::empty()
        }
    }

    /// `409`, which says that it was taken.
    /// <https://developers.line.biz/en/reference/messaging-api/#retry-api-request-response>
    fn already_accepted(&self, endpoint: Endpoint, accepted: AcceptedSend) -> Answer {
        let mut body = json!({"message": "The retry key is already accepted"});
        if endpoint == Endpoint::Push
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("sentMessages".into(), sent_messages(accepted));
        }
        let mut answer = Answer::new(StatusCode::CONFLICT, body.to_string());
        answer.accepted_request = Some(self.request_id(accepted.request));
        answer
    }

    fn people(&self, recipient: &RecipientKey) -> u64 {
        match recipient.first() {
            Some(b'U') => 1,
            _ => self.options.group_members,
        }
    }

    fn notify(&mut self, call: &Call<'_>, number: u64, now: Timestamp) -> Answer {
        let valid = call
            .token
            .filter(|token| !self.options.revoked.contains(*token));
        let holder = valid.and_then(|token| Recipient::parse(Channel::LineNotify, token).ok());
        let (Some(token), Some(holder)) = (valid, holder) else {
            return line_notify::unauthorized();
        };
        let holder = holder.fingerprint();
        let has_image = matches!(&call.body, CallBody::Notify(Ok(form)) if form.has_image);
        let (left, verdict) = self.hours.call(holder, has_image, now);
        let mut answer = match (verdict, &call.body) {
            (Err(over), _) if self.options.rate_limits => {
                self.ledger.counts.rate_limited += 1;
                over.answer()
            }
            (_, CallBody::Notify(Ok(form))) => {
                let accepted = Accepted {
                    at: now,
                    endpoint: call.endpoint,
                    request_id: self.request_id(number),
                    retry_key: None,
                    messages: &form.fields,
                };
                self.ledger.accept(&accepted, &[holder]);
                line_notify::ok()
            }
            (_, CallBody::Notify(Err(answer))) => answer.clone(),
            _ if call.endpoint == Endpoint::NotifyRevoke => {
                self.options.revoked.insert(token.to_owned());
                line_notify::ok()
            }
            _ => line_notify::status(),
        };
        answer.hour_left = Some(left);
        answer
    }
}

fn key_of(id: &str) -> Option<RecipientKey> {
    let recipient = Recipient::parse(Channel::Line, id).ok()?;
    Some(recipient.fingerprint())
}

/// A retry key is a UUID with its hyphens. What LINE says of another is not documented: 400, and this text, are chosen.
fn read_key(text: &str) -> Result<Uuid, Answer> {
    let is_hyphenated = text.len() == 36;
    Uuid::try_parse(text)
        .ok()
        .filter(|_| is_hyphenated)
        .ok_or_else(|| {
            Answer::refusal(
                StatusCode::BAD_REQUEST,
                "The value for the 'X-Line-Retry-Key' header is invalid",
            )
        })
}

fn sent_messages(sent: AcceptedSend) -> serde_json::Value {
    const FIRST: u64 = 460_000_000_000_000_000;
    (0..sent.messages as u64)
        .map(|i| json!({"id": (FIRST + sent.request * 8 + i).to_string()}))
        .collect()
}
