//! What becomes of a push or multicast that is well made: 200, 409, 400 for who is unknown, 429 for the quota.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::line::answer::Answer;
use crate::line::endpoint::Endpoint;
use crate::line::memory::keys::AcceptedSend;
use crate::line::memory::ledger::{Accepted, RecipientKey};
use crate::line::options::UnknownInMulticast;
use crate::line::request::SendRequest;
use crate::line::service::Line;

/// Where a request came from and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    /// The number of the channel.
    pub(crate) channel: u32,
    pub(crate) retry_key: Option<Uuid>,
    /// The number of the request.
    pub(crate) request: u64,
    pub(crate) now: Timestamp,
}

impl Line {
    /// Takes a push or multicast, with whatever goes wrong.
    pub(crate) fn send(
        &mut self,
        endpoint: Endpoint,
        request: &SendRequest<'_>,
        sender: Sender,
    ) -> Answer {
        let Some(key) = sender.retry_key else {
            self.ledger.counts.without_retry_key += 1;
            let attempt = self.attempt(request.body);
            return self.meeting_faults(&request.body, attempt, Answer::refusal, |line| {
                line.accept(endpoint, request, sender)
            });
        };
        let kept = self.keys.see(sender.channel, key, request.body, sender.now);
        self.ledger.counts.changed_under_key += u64::from(kept.changed);
        self.meeting_faults(
            key.as_bytes(),
            kept.attempt,
            Answer::refusal,
            |line| match kept.accepted {
                Some(accepted) => line.already_accepted(endpoint, accepted),
                None => line.accept(endpoint, request, sender),
            },
        )
    }

    fn accept(&mut self, endpoint: Endpoint, request: &SendRequest<'_>, sender: Sender) -> Answer {
        let is_unknown = |to: &RecipientKey| self.unknown.contains(to);
        let refuses_unknown = endpoint == Endpoint::Push
            || self.options.unknown_in_multicast == UnknownInMulticast::Refuse;
        if refuses_unknown && request.to.iter().any(is_unknown) {
            return Answer::refusal(StatusCode::BAD_REQUEST, "Failed to send messages");
        }
        let reached: Vec<RecipientKey> = request
            .to
            .iter()
            .filter(|to| !is_unknown(to) && !self.blocked.contains(*to))
            .copied()
            .collect();
        let people = reached.iter().map(|to| self.people(to)).sum();
        let used = self.month.used(sender.channel, sender.now);
        if let Some(quota) = self.options.monthly_quota
            && used.saturating_add(people) > quota
        {
            self.ledger.counts.over_quota += 1;
            return Answer::monthly_limit();
        }
        self.month.add(sender.channel, people, sender.now);
        self.ledger.counts.not_delivered += (request.to.len() - reached.len()) as u64;
        let accepted = Accepted {
            at: sender.now,
            endpoint,
            request_id: self.request_id(sender.request),
            retry_key: sender.retry_key,
            messages: request.messages,
            digest: request.digest,
        };
        self.ledger.accept(&accepted, &reached);
        let sent = AcceptedSend {
            request: sender.request,
            messages: request.count,
        };
        if let Some(key) = sender.retry_key {
            self.keys.accept(sender.channel, key, sent);
        }
        if endpoint == Endpoint::Push {
            Answer::json(&json!({ "sentMessages": sent_messages(sent) }))
        } else {
            Answer::empty()
        }
    }

    /// `409`, which says that it was taken.
    /// <https://developers.line.biz/en/reference/messaging-api/#retry-api-request-response>
    fn already_accepted(&mut self, endpoint: Endpoint, accepted: AcceptedSend) -> Answer {
        self.ledger.counts.already_accepted += 1;
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
}

/// A retry key is a UUID with its hyphens. What LINE says of another is not documented: 400, and this text, are chosen.
pub(crate) fn read_key(text: &str) -> Result<Uuid, Answer> {
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
