//! The ledger: which requests came, and who got which messages, how often and when.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::line::endpoint::LineEndpoint;
use crate::line::faults::LineFault;
use crate::line::recipient::{self, RecipientKey};
use crate::line::text::Digest128;

/// This many bytes of messages are kept. Of later messages only the digest is kept.
const MAX_KEPT_TEXT: usize = 64 << 20;

/// The requests so far and their answers, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerSummary {
    /// Requests by endpoint and status; `unanswered` if no answer was sent.
    pub requests: BTreeMap<String, BTreeMap<String, u64>>,
    /// Accepted push, multicast and LINE Notify requests. A fault can change their answers.
    pub accepted_requests: u64,
    /// The recipients of these requests. Who is in two of them counts twice.
    pub accepted_recipients: u64,
    /// The different recipients of these requests.
    pub distinct_recipients: u64,
    /// How often a recipient got messages that they had got before.
    pub duplicates: u64,
    /// Recipients of accepted requests who got nothing: they blocked the account, or are unknown
    /// and the multicast skipped them.
    pub not_delivered: u64,
    /// The different `messages` of accepted requests.
    pub distinct_messages: u64,
    /// 409: a request with the same retry key was accepted before.
    pub already_accepted: u64,
    /// Push and multicast requests without a retry key.
    pub without_retry_key: u64,
    /// Requests with a retry key that came with another body before. That breaks LINE's rules.
    pub changed_under_key: u64,
    /// 429 for the rate, without those that were a fault.
    pub rate_limited: u64,
    /// 429 for the month's quota.
    pub over_quota: u64,
    /// The faults that happened, by name.
    pub faults: BTreeMap<String, u64>,
    /// The accepted requests of each second that has any.
    pub seconds: Vec<LedgerSecond>,
}

/// The accepted requests of one second of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LedgerSecond {
    /// The second.
    pub at: Timestamp,
    /// Accepted requests.
    pub requests: u64,
    /// Their recipients.
    pub recipients: u64,
}

/// The messages that a recipient got with one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineReceipt {
    /// When the request was accepted.
    pub at: Timestamp,
    /// `push`, `multicast` or `notify`.
    pub endpoint: &'static str,
    /// The `x-line-request-id` of the request.
    pub request_id: Uuid,
    /// The retry key of the request.
    pub retry_key: Option<Uuid>,
    /// The first 128 bits of the SHA-256 of the messages, in hexadecimal.
    pub messages_digest: String,
    /// The messages as they came. `None` if the ledger had no room for them.
    pub messages: Option<String>,
}

/// Counts that no single answer shows.
#[derive(Debug, Default)]
pub(crate) struct LedgerCounts {
    pub(crate) not_delivered: u64,
    pub(crate) already_accepted: u64,
    pub(crate) without_retry_key: u64,
    pub(crate) changed_under_key: u64,
    pub(crate) rate_limited: u64,
    pub(crate) over_quota: u64,
    pub(crate) faults: BTreeMap<LineFault, u64>,
}

/// A request that is accepted now.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    pub(crate) at: Timestamp,
    pub(crate) endpoint: LineEndpoint,
    pub(crate) request_id: Uuid,
    pub(crate) retry_key: Option<Uuid>,
    pub(crate) messages: &'a str,
    pub(crate) digest: Digest128,
}

/// The ledger.
#[derive(Debug, Default)]
pub(crate) struct LineLedger {
    pub(crate) counts: LedgerCounts,
    answered: BTreeMap<(LineEndpoint, Option<u16>), u64>,
    accepted: Vec<AcceptedEntry>,
    texts: Vec<KeptText>,
    text_numbers: HashMap<Digest128, u32>,
    text_bytes: usize,
    /// The first accepted request of each recipient. Most recipients have no other.
    first: HashMap<RecipientKey, u32>,
    later: HashMap<RecipientKey, Vec<u32>>,
    recipients: u64,
    duplicates: u64,
    /// By the seconds since the Unix epoch.
    seconds: BTreeMap<i64, LedgerSecond>,
}

#[derive(Debug)]
struct AcceptedEntry {
    at: Timestamp,
    request_id: Uuid,
    retry_key: Option<Uuid>,
    text: u32,
    endpoint: LineEndpoint,
}

#[derive(Debug)]
struct KeptText {
    digest: Digest128,
    text: Option<Box<str>>,
}

impl LineLedger {
    /// Counts an answer, or a request that is not answered.
    pub(crate) fn answered(&mut self, endpoint: LineEndpoint, status: Option<u16>) {
        *self.answered.entry((endpoint, status)).or_default() += 1;
    }

    /// Notes an accepted request and the recipients who got it.
    pub(crate) fn accept(&mut self, request: &Accepted<'_>, to: &[RecipientKey]) {
        let text = self.text_number(request);
        // An entry takes 80 bytes, so the memory is full long before the numbers are.
        let number = u32::try_from(self.accepted.len()).unwrap_or(u32::MAX);
        self.accepted.push(AcceptedEntry {
            at: request.at,
            request_id: request.request_id,
            retry_key: request.retry_key,
            text,
            endpoint: request.endpoint,
        });
        let second = request.at.as_second();
        let second = self.seconds.entry(second).or_insert_with(|| LedgerSecond {
            // The second of a timestamp is a timestamp too, so this is never `request.at`.
            at: Timestamp::from_second(second).unwrap_or(request.at),
            requests: 0,
            recipients: 0,
        });
        second.requests += 1;
        second.recipients += to.len() as u64;
        self.recipients += to.len() as u64;
        for recipient in to {
            self.give(*recipient, number, text);
        }
    }

    fn give(&mut self, recipient: RecipientKey, request: u32, text: u32) {
        match self.first.entry(recipient) {
            Entry::Vacant(new) => {
                new.insert(request);
            }
            Entry::Occupied(_) => {
                let had_it = self
                    .requests_of(&recipient)
                    .any(|earlier| earlier.text == text);
                self.duplicates += u64::from(had_it);
                self.later.entry(recipient).or_default().push(request);
            }
        }
    }

    fn requests_of(&self, recipient: &RecipientKey) -> impl Iterator<Item = &AcceptedEntry> {
        let later = self.later.get(recipient).into_iter().flatten();
        self.first
            .get(recipient)
            .into_iter()
            .chain(later)
            .filter_map(|&request| self.accepted.get(request as usize))
    }

    fn text_number(&mut self, request: &Accepted<'_>) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let Accepted {
            messages, digest, ..
        } = *request;
        let number = *self.text_numbers.entry(digest).or_insert(next);
        if number == next {
            let fits = self.text_bytes + messages.len() <= MAX_KEPT_TEXT;
            self.text_bytes += if fits { messages.len() } else { 0 };
            self.texts.push(KeptText {
                digest,
                text: fits.then(|| messages.into()),
            });
        }
        number
    }

    /// What one recipient (a LINE ID or a LINE Notify token) got, in order.
    pub(crate) fn receipts(&self, recipient: &str) -> Vec<LineReceipt> {
        let key =
            recipient::of_line_id(recipient).or_else(|| recipient::of_notify_token(recipient));
        key.iter()
            .flat_map(|key| self.requests_of(key))
            .map(|request| {
                let text = self.texts.get(request.text as usize);
                LineReceipt {
                    at: request.at,
                    endpoint: request.endpoint.as_str(),
                    request_id: request.request_id,
                    retry_key: request.retry_key,
                    messages_digest: text.map_or_else(String::new, |text| {
                        format!("{:032x}", u128::from_be_bytes(text.digest))
                    }),
                    messages: text.and_then(|text| text.text.as_deref().map(Into::into)),
                }
            })
            .collect()
    }

    /// All recipients who got something, sorted, with one JSON object on each line:
    /// `{"recipient":"U…","receipts":1}`. For a LINE Notify token it is `T` and the first 128 bits
    /// of its SHA-256.
    #[expect(clippy::expect_used, reason = "its proof stands beside it")]
    pub(crate) fn list(&self) -> String {
        let mut recipients: Vec<_> = self.first.keys().collect();
        recipients.sort_unstable();
        let mut list = String::with_capacity(recipients.len() * 64);
        for key in recipients {
            let [kind, number @ ..] = *key;
            let receipts = 1 + self.later.get(key).map_or(0, Vec::len);
            let (kind, number) = (char::from(kind), u128::from_be_bytes(number));
            writeln!(
                list,
                r#"{{"recipient":"{kind}{number:032x}","receipts":{receipts}}}"#
            )
            .expect("a `String` takes every write");
        }
        list
    }

    /// The ledger in numbers.
    pub(crate) fn summary(&self) -> LedgerSummary {
        let mut requests = BTreeMap::<String, BTreeMap<String, u64>>::new();
        for (&(endpoint, status), &n) in &self.answered {
            let status = status.map_or_else(|| "unanswered".into(), |status| status.to_string());
            requests
                .entry(endpoint.as_str().into())
                .or_default()
                .insert(status, n);
        }
        let faults = self.counts.faults.iter();
        let faults = faults.map(|(fault, n)| (fault.to_string(), *n));
        LedgerSummary {
            requests,
            accepted_requests: self.accepted.len() as u64,
            accepted_recipients: self.recipients,
            distinct_recipients: self.first.len() as u64,
            duplicates: self.duplicates,
            not_delivered: self.counts.not_delivered,
            distinct_messages: self.texts.len() as u64,
            already_accepted: self.counts.already_accepted,
            without_retry_key: self.counts.without_retry_key,
            changed_under_key: self.counts.changed_under_key,
            rate_limited: self.counts.rate_limited,
            over_quota: self.counts.over_quota,
            faults: faults.collect(),
            seconds: self.seconds.values().copied().collect(),
        }
    }
}
