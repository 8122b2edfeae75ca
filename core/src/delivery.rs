//! What one channel request carries, and its form on the queue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::channel::{Channel, OnUnknown};
use crate::recipient::Recipient;
use crate::retry_key;
use crate::text::push_json_string;

/// The version that this build writes and reads. It changes with any field that changes what is sent.
pub const VERSION: u64 = 1;

/// The most user IDs that one multicast takes.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
pub const MAX_RECIPIENTS: usize = 500;

/// What all deliveries of a run have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Names the run: see [`crate::campaign::Campaign::run`].
    pub run: String,
    /// Where it is sent.
    pub channel: Channel,
    /// Whether the phone stays silent.
    pub notification_disabled: bool,
    /// What becomes of a LINE Notify request that was never answered.
    pub on_unknown: OnUnknown,
    /// When the run's fan-out first began; the 23-hour horizon counts from here.
    pub started_at: Timestamp,
    /// After this it is not sent.
    pub expires_at: Option<Timestamp>,
}

impl Envelope {
    /// The queue message that carries `messages` (a JSON array, as rendered) to `recipients`.
    pub fn encode(&self, recipients: &[Recipient], messages: &str) -> String {
        self.encoder().encode(recipients, messages)
    }

    /// The same for many messages: what they have in common is written once.
    pub fn encoder(&self) -> Encoder {
        let (mut head, mut tail) = (String::new(), String::new());
        self.open(&mut head);
        self.close(&mut tail);
        Encoder { head, tail }
    }

    fn open(&self, body: &mut String) {
        body.push_str("{\"v\":1,\"run\":");
        push_json_string(body, &self.run);
        body.push_str(",\"channel\":\"");
        body.push_str(self.channel.as_str());
        body.push_str("\",\"recipients\":[");
    }

    fn close(&self, body: &mut String) {
        if self.notification_disabled {
            body.push_str(",\"notification_disabled\":true");
        }
        if self.on_unknown == OnUnknown::Park {
            body.push_str(",\"on_unknown\":\"park\"");
        }
        body.push_str(",\"started_at\":\"");
        body.push_str(&self.started_at.to_string());
        body.push('"');
        if let Some(expires_at) = self.expires_at {
            body.push_str(",\"expires_at\":\"");
            body.push_str(&expires_at.to_string());
            body.push('"');
        }
        body.push('}');
    }
}

/// What stands between the recipients and the messages.
const MESSAGES: &str = "],\"messages\":";

/// Writes the queue messages of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    head: String,
    tail: String,
}

impl Encoder {
    /// The queue message that carries `messages` (a JSON array, as rendered) to `recipients`.
    pub fn encode(&self, recipients: &[Recipient], messages: &str) -> String {
        let mut body = String::with_capacity(self.encoded_len(recipients, messages.len()));
        body.push_str(&self.head);
        for (i, recipient) in recipients.iter().enumerate() {
            body.push_str(if i == 0 { "\"" } else { "\",\"" });
            recipient.push_to(&mut body);
        }
        body.push('"');
        body.push_str(MESSAGES);
        body.push_str(messages);
        body.push_str(&self.tail);
        body
    }

    /// The exact length of [`Encoder::encode`] for messages of this length.
    pub fn encoded_len(&self, recipients: &[Recipient], messages: usize) -> usize {
        // Two quotes each and a comma between two; without a recipient one quote is written all the same.
        let names: usize = recipients.iter().map(|recipient| recipient.len() + 3).sum();
        self.head.len() + names.max(2) - 1 + MESSAGES.len() + messages + self.tail.len()
    }
}

/// One channel request: one recipient, or up to 500 users, and the messages that they get.
///
/// The messages keep the bytes they came in, so that a request and its retry key never depend on how JSON is written here.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What it has in common with the run's others.
    pub envelope: Envelope,
    /// Who gets it. The channel is the judge of each ID: an edited and redriven body may hold anything.
    pub recipients: Vec<String>,
    messages: Box<RawValue>,
}

/// The Messaging API's endpoint for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// One user, group or room: 2,000 requests a second.
    Push,
    /// Up to 500 users: 200 requests a second.
    Multicast,
}

/// Why a queue message is no delivery. It never repeats the body.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not the shape of a delivery.
    #[error("the body is not a delivery: {0}")]
    Shape(String),
    /// Written by a version that this build does not know.
    #[error("the body is a delivery of version {0}; this build reads version {VERSION}")]
    Version(u64),
    /// No recipient, over 500, or several where the channel takes one.
    #[error("a delivery on this channel can't have {0} recipients")]
    Recipients(usize),
}

#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

#[derive(Deserialize)]
struct Body {
    run: String,
    channel: Channel,
    recipients: Vec<String>,
    messages: Box<RawValue>,
    #[serde(default)]
    notification_disabled: bool,
    #[serde(default)]
    on_unknown: OnUnknown,
    started_at: Timestamp,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum To<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl Delivery {
    /// Reads a queue message's body.
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        // The version comes first: a later one may have another shape altogether.
        let shape = |error: serde_json::Error| DecodeError::Shape(without_values(&error));
        let Versioned { v } = serde_json::from_str(body).map_err(shape)?;
        if v != VERSION {
            return Err(DecodeError::Version(v));
        }
        let body: Body = serde_json::from_str(body).map_err(shape)?;
        let most = if body.channel == Channel::Line {
            MAX_RECIPIENTS
        } else {
            1
        };
        if body.recipients.is_empty() || body.recipients.len() > most {
            return Err(DecodeError::Recipients(body.recipients.len()));
        }
        Ok(Self {
            envelope: Envelope {
                run: body.run,
                channel: body.channel,
                notification_disabled: body.notification_disabled,
                on_unknown: body.on_unknown,
                started_at: body.started_at,
                expires_at: body.expires_at,
            },
            recipients: body.recipients,
            messages: body.messages,
        })
    }

    /// The body of a queue message that decodes to this delivery.
    pub fn encode(&self) -> String {
        let mut body =
            String::with_capacity(256 + self.messages.get().len() + self.recipients.len() * 36);
        self.envelope.open(&mut body);
        for (i, recipient) in self.recipients.iter().enumerate() {
            if i > 0 {
                body.push(',');
            }
            push_json_string(&mut body, recipient);
        }
        body.push_str(MESSAGES);
        body.push_str(self.messages.get());
        self.envelope.close(&mut body);
        body
    }

    /// The same messages for other recipients: what is left after one was refused, or one half of a split.
    #[must_use]
    pub fn with_recipients(&self, recipients: Vec<String>) -> Self {
        Self {
            envelope: self.envelope.clone(),
            recipients,
            messages: self.messages.clone(),
        }
    }

    /// The messages as they go to the channel: a JSON array.
    pub fn messages(&self) -> &RawValue {
        &self.messages
    }

    /// Which endpoint of the Messaging API takes it.
    pub fn endpoint(&self) -> Endpoint {
        if self.recipients.len() == 1 {
            Endpoint::Push
        } else {
            Endpoint::Multicast
        }
    }

    /// The body of the Messaging API's request, the same bytes on every attempt and every machine.
    pub fn request_body(&self) -> String {
        let to = match self.recipients.as_slice() {
            [one] => To::One(one),
            many => To::Many(many),
        };
        let mut body =
            String::with_capacity(64 + self.messages.get().len() + self.recipients.len() * 36);
        body.push_str("{\"to\":");
        crate::text::push_json(&mut body, &to);
        body.push_str(",\"messages\":");
        body.push_str(self.messages.get());
        if self.envelope.notification_disabled {
            body.push_str(",\"notificationDisabled\":true");
        }
        body.push('}');
        body
    }

    /// The identity of this delivery: see [`retry_key::derive`].
    pub fn retry_key(&self) -> Uuid {
        retry_key::derive(&self.envelope.run, &self.request_body())
    }
}

/// serde's message can quote the value it stumbled on; only its place is ours to show.
fn without_values(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "it is not JSON",
        Category::Data | Category::Io => "a field is missing or of the wrong kind",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";

    fn envelope() -> Envelope {
        Envelope {
            run: "xmas@2026-12-25T00:00:00Z".into(),
            channel: Channel::Line,
            notification_disabled: false,
            on_unknown: OnUnknown::Retry,
            started_at: "2026-12-25T00:00:01Z".parse().unwrap(),
            expires_at: None,
        }
    }

    fn users(n: usize) -> Vec<Recipient> {
        (0..n)
            .map(|i| Recipient::parse(Channel::Line, &format!("U{i:032x}")).unwrap())
            .collect()
    }

    #[test]
    fn the_bytes_of_a_delivery_are_pinned() {
        let body = envelope().encode(
            &[Recipient::parse(Channel::Line, USER).unwrap()],
            r#"[{"text":"早安","type":"text"}]"#,
        );
        assert_eq!(
            body,
            r#"{"v":1,"run":"xmas@2026-12-25T00:00:00Z","channel":"line","recipients":["U4af4980629f0c1d2e3f4a5b6c7d8e9fa"],"messages":[{"text":"早安","type":"text"}],"started_at":"2026-12-25T00:00:01Z"}"#
        );
        assert_eq!(Delivery::decode(&body).unwrap().encode(), body);
    }

    #[test]
    fn the_length_of_a_delivery_is_known_before_it_is_written() {
        for n in [0, 1, 2, 500] {
            let encoder = envelope().encoder();
            let body = encoder.encode(&users(n), "[]");
            assert_eq!(encoder.encoded_len(&users(n), 2), body.len(), "{n}");
        }
    }

    #[test]
    fn the_retry_key_is_pinned() {
        // These values are a promise between versions: a changed one doubles what is in flight during a deployment.
        let one = Delivery::decode(&envelope().encode(
            &[Recipient::parse(Channel::Line, USER).unwrap()],
            r#"[{"text":"hi","type":"text"}]"#,
        ))
        .unwrap();
        assert_eq!(
            one.request_body(),
            r#"{"to":"U4af4980629f0c1d2e3f4a5b6c7d8e9fa","messages":[{"text":"hi","type":"text"}]}"#
        );
        assert_eq!(
            one.retry_key().to_string(),
            "756817a5-1f61-58d6-b620-ba042ccc89d2"
        );
        let mut many =
            Delivery::decode(&envelope().encode(&users(3), r#"[{"text":"hi","type":"text"}]"#))
                .unwrap();
        assert_eq!(
            many.retry_key().to_string(),
            "0e966d30-31a4-5516-80e7-6dc00df262a4"
        );
        many.envelope.notification_disabled = true;
        assert_eq!(
            many.retry_key().to_string(),
            "fcdda68b-50fc-5deb-b5c1-b3164fe3a375"
        );
    }

    #[test]
    fn the_key_knows_the_run_and_the_request_and_no_clock() {
        let base =
            Delivery::decode(&envelope().encode(&users(2), r#"[{"text":"hi","type":"text"}]"#))
                .unwrap();
        let mut later = base.clone();
        later.envelope.started_at = "2026-12-25T09:00:00Z".parse().unwrap();
        later.envelope.expires_at = Some("2026-12-26T00:00:00Z".parse().unwrap());
        assert_eq!(base.retry_key(), later.retry_key());
        let mut other_run = base.clone();
        other_run.envelope.run = "xmas@2026-12-26T00:00:00Z".into();
        assert_ne!(base.retry_key(), other_run.retry_key());
        let fewer = base.with_recipients(base.recipients[..1].to_vec());
        assert_ne!(base.retry_key(), fewer.retry_key());
    }

    #[test]
    fn a_body_that_is_no_delivery_says_where_and_repeats_nothing() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "\u{feff}{}",
            r#"{"v":"1"}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"run":"r","channel":"line","recipients":["secret"],"messages":5,"started_at":"secret"}"#,
        ] {
            let error = Delivery::decode(body).unwrap_err();
            assert!(matches!(error, DecodeError::Shape(_)), "{body}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(matches!(
            Delivery::decode(r#"{"v":2,"anything":[]}"#),
            Err(DecodeError::Version(2))
        ));
    }

    #[test]
    fn the_number_of_recipients_is_what_one_request_takes() {
        for (n, fits) in [(0, false), (1, true), (500, true), (501, false)] {
            let mut body = envelope().encode(&users(n), "[]");
            body = body.replace("[\"\"]", "[]").replace("[\"],", "[],");
            assert_eq!(Delivery::decode(&body).is_ok(), fits, "{n}");
        }
    }
}
