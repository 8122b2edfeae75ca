//! What the simulated LINE was asked and what it accepted: who, how often, when, which text.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::line::endpoint::Endpoint;
use crate::line::faults::LineFault;

/// SHA-256, cut to 128 bits.
pub(crate) type Digest = [u8; 16];

/// A recipient as [`Recipient::fingerprint`] has it: millions are held.
pub(crate) type RecipientKey = [u8; 17];

/// How many bytes of message texts are kept; of later ones there is the digest alone.
const KEPT_TEXT: usize = 64 << 20;

/// The digest that names a text.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let mut cut = Digest::default();
    for (to, from) in cut.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    cut
}

/// What the simulated LINE was asked and answered so far, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerSummary {
    /// Requests by endpoint and status; `unanswered` where no answer went out.
    pub requests: BTreeMap<String, BTreeMap<String, u64>>,
    /// Push, multicast and Notify requests accepted: answered 2xx, or meant to be.
    pub accepted_requests: u64,
    /// Messages given to recipients by those requests: one for each recipient of each.
    pub accepted_recipients: u64,
    /// Different recipients among them.
    pub distinct_recipients: u64,
    /// Recipients who got the same messages more than once, counted once for each time too many.
    pub duplicates: u64,
    /// Recipients of accepted requests who got nothing, because they blocked the account or, where a multicast skips them, are unknown.
    pub not_delivered: u64,
    /// Different `messages` accepted.
    pub distinct_messages: u64,
    /// Answers 409: the retry key had been accepted.
    pub already_accepted: u64,
    /// Push and multicast requests that came without a retry key.
    pub without_retry_key: u64,
    /// Requests whose retry key had come before with another body: a violation of LINE's rules.
    pub changed_under_key: u64,
    /// 429 for the rate, those that were a fault apart.
    pub rate_limited: u64,
    /// 429 for the month's quota.
    pub over_quota: u64,
    /// Faults that happened, by name.
    pub faults: BTreeMap<String, u64>,
    /// What was accepted in each second that had any.
    pub seconds: Vec<LedgerSecond>,
}

/// What was accepted in one second of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LedgerSecond {
    /// The second.
    pub at: Timestamp,
    /// Requests accepted.
    pub requests: u64,
    /// Their recipients.
    pub recipients: u64,
}

/// One message, or group of up to five, that a recipient got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// When it was accepted.
    pub at: Timestamp,
    /// `push`, `multicast` or `notify`.
    pub endpoint: &'static str,
    /// The `x-line-request-id` of the request.
    pub request_id: Uuid,
    /// The retry key that the request carried.
    pub retry_key: Option<Uuid>,
    /// Names the messages: the first 128 bits of their SHA-256, in hexadecimal.
    pub messages_digest: String,
    /// The messages as they came; absent once the ledger's room for texts is used up.
    pub messages: Option<String>,
}

/// Things counted that no single answer tells.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) not_delivered: u64,
    pub(crate) already_accepted: u64,
    pub(crate) without_retry_key: u64,
    pub(crate) changed_under_key: u64,
    pub(crate) rate_limited: u64,
    pub(crate) over_quota: u64,
    pub(crate) faults: BTreeMap<LineFault, u64>,
}

/// One accepted request.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    pub(crate) at: Timestamp,
    pub(crate) endpoint: Endpoint,
    pub(crate) request_id: Uuid,
    pub(crate) retry_key: Option<Uuid>,
    pub(crate) messages: &'a str,
    pub(crate) digest: Digest,
}

/// The ledger itself.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) counts: Counts,
    answered: BTreeMap<(Endpoint, Option<u16>), u64>,
    accepted: Vec<AcceptedEntry>,
    texts: Vec<Text>,
    text_numbers: HashMap<Digest, u32>,
    text_bytes: usize,
    /// Each recipient's first accepted request; most have no other.
    first: HashMap<RecipientKey, u32>,
    later: HashMap<RecipientKey, Vec<u32>>,
    recipients: u64,
    duplicates: u64,
    seconds: BTreeMap<i64, (u64, u64)>,
}

#[derive(Debug)]
struct AcceptedEntry {
    at: Timestamp,
    request_id: Uuid,
    retry_key: Option<Uuid>,
    text: u32,
    endpoint: Endpoint,
}

#[derive(Debug)]
struct Text {
    digest: Digest,
    text: Option<Box<str>>,
}

impl Ledger {
    /// Counts an answer, or that none went out.
    pub(crate) fn answered(&mut self, endpoint: Endpoint, status: Option<u16>) {
        *self.answered.entry((endpoint, status)).or_default() += 1;
    }

    /// Notes an accepted request and those who got it.
    pub(crate) fn accept(&mut self, request: &Accepted<'_>, to: &[RecipientKey]) {
        let text = self.text_number(request);
        let number = u32::try_from(self.accepted.len()).unwrap_or(u32::MAX);
        self.accepted.push(AcceptedEntry {
            at: request.at,
            request_id: request.request_id,
            retry_key: request.retry_key,
            text,
            endpoint: request.endpoint,
        });
        let second = self.seconds.entry(request.at.as_second()).or_default();
        second.0 += 1;
        second.1 += to.len() as u64;
        self.recipients += to.len() as u64;
        for recipient in to {
            self.give(*recipient, number, text);
        }
    }

    fn give(&mut self, recipient: RecipientKey, request: u32, text: u32) {
        use std::collections::hash_map::Entry;
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
            let fits = self.text_bytes + messages.len() <= KEPT_TEXT;
            self.text_bytes += if fits { messages.len() } else { 0 };
            self.texts.push(Text {
                digest,
                text: fits.then(|| messages.into()),
            });
        }
        number
    }

    /// What one recipient got, in order. The text is a LINE ID or a LINE Notify token.
    pub(crate) fn receipts(&self, recipient: &str) -> Vec<Receipt> {
        let parsed = Recipient::parse(Channel::Line, recipient)
            .or_else(|_| Recipient::parse(Channel::LineNotify, recipient));
        let Ok(parsed) = parsed else {
            return Vec::new();
        };
        self.requests_of(&parsed.fingerprint())
            .map(|request| {
                let text = self.texts.get(request.text as usize);
                Receipt {
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

    /// Every recipient who got anything, sorted, one JSON object a line: `{"recipient":"U…","receipts":1}`.
    /// Of a LINE Notify token there is only `T` and the first 128 bits of its SHA-256.
    pub(crate) fn list(&self) -> String {
        let mut recipients: Vec<_> = self.first.keys().collect();
        recipients.sort_unstable();
        let mut list = String::with_capacity(recipients.len() * 64);
        for key in recipients {
            let [kind, number @ ..] = *key;
            let receipts = 1 + self.later.get(key).map_or(0, Vec::len);
            let (kind, number) = (char::from(kind), u128::from_be_bytes(number));
            // Writing to a `String` can't fail.
            let _written = writeln!(
                list,
                r#"{{"recipient":"{kind}{number:032x}","receipts":{receipts}}}"#
            )
            .is_ok();
        }
        list
    }

    /// The numbers.
    pub(crate) fn summary(&self) -> LedgerSummary {
        let mut requests = BTreeMap::<String, BTreeMap<String, u64>>::new();
        for (&(endpoint, status), &n) in &self.answered {
            let status = status.map_or_else(|| "unanswered".into(), |status| status.to_string());
            requests
                .entry(endpoint.as_str().into())
                .or_default()
                .insert(status, n);
        }
        let seconds = self.seconds.iter().map(|(&at, &(requests, recipients))| {
            let at = Timestamp::from_second(at).unwrap_or_default();
            LedgerSecond {
                at,
                requests,
                recipients,
            }
        });
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
            seconds: seconds.collect(),
        }
    }
}
