//! What one channel request carries, and its form on the queue.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::channel::{Channel, OnUnknown};
use crate::limits::line::MAX_RECIPIENTS;
use crate::text::{push_json_chars, push_json_string};

mod envelope;
pub mod outcome;
mod request;

pub use envelope::{Encoder, Envelope};
pub use request::{Endpoint, KEY_HORIZON, Request};

use envelope::{MESSAGES, VERSION};

/// One channel request: one recipient, or up to 500 users, and the messages that they get.
///
/// The messages keep the bytes that they came in. So a request and its retry key do not depend on
/// how this build writes JSON.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What it has in common with the run's other deliveries.
    pub envelope: Envelope,
    /// Who gets it. The channel checks each ID: a body that was edited and redriven may hold any.
    pub recipients: Vec<String>,
    messages: Box<RawValue>,
}

/// Why a queue message is not a delivery. It never repeats the body.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The body is not JSON, or does not have the fields of a delivery.
    #[error("the body is not a delivery: {0}")]
    Shape(String),
    /// The body is of a version that this build does not know.
    #[error("the body is a delivery of version {0}; this build reads version {VERSION}")]
    Version(u64),
    /// There is no recipient, or there are more than the channel takes in a request.
    #[error("a delivery on this channel can't have {0} recipients")]
    Recipients(usize),
    /// A recipient is empty or white space.
    #[error("one of the delivery's recipients is empty")]
    EmptyRecipient,
    /// `messages` is not an array, or is an empty one.
    #[error("the delivery's `messages` is not a list with a message in it")]
    NoMessages,
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

impl Delivery {
    /// Reads a queue message's body.
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        // The version comes first: a later one may have other fields.
        let shape = |error: serde_json::Error| DecodeError::Shape(without_values(&error));
        let Versioned { v } = serde_json::from_str(body).map_err(shape)?;
        if v != VERSION {
            return Err(DecodeError::Version(v));
        }
        let body: Body = serde_json::from_str(body).map_err(shape)?;
        check_recipients(body.channel, &body.recipients)?;
        if !is_filled_array(body.messages.get()) {
            return Err(DecodeError::NoMessages);
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

    /// The same messages for other recipients, such as those that are left after one was refused.
    #[must_use]
    pub fn with_recipients(&self, recipients: Vec<String>) -> Self {
        Self {
            envelope: self.envelope.clone(),
            recipients,
            messages: self.messages.clone(),
        }
    }

    /// The messages as they are sent to the channel: a JSON array.
    pub fn messages(&self) -> &RawValue {
        &self.messages
    }

    /// The Messaging API's endpoint that takes it.
    pub fn endpoint(&self) -> Endpoint {
        if self.recipients.len() == 1 {
            Endpoint::Push
        } else {
            Endpoint::Multicast
        }
    }

    /// The request to the Messaging API: make it once and carry it.
    ///
    /// Its bytes and its retry key are the same on every attempt and every machine.
    ///
    /// # Panics
    /// If there is no recipient. [`Delivery::decode`] reads no such delivery.
    pub fn request(&self) -> Request {
        let recipients = self
            .recipients
            .iter()
            .map(|recipient| |body: &mut String| push_json_chars(body, recipient));
        Request::new(
            &self.envelope.run,
            recipients,
            self.messages.get(),
            self.envelope.notification_disabled,
        )
    }
}

fn check_recipients(channel: Channel, recipients: &[String]) -> Result<(), DecodeError> {
    let max = match channel {
        Channel::Line => MAX_RECIPIENTS,
        Channel::LineNotify => 1,
    };
    if !(1..=max).contains(&recipients.len()) {
        return Err(DecodeError::Recipients(recipients.len()));
    }
    if recipients.iter().any(|name| name.trim().is_empty()) {
        return Err(DecodeError::EmptyRecipient);
    }
    Ok(())
}

/// Whether this JSON is an array with something in it.
fn is_filled_array(json: &str) -> bool {
    json.trim_start()
        .strip_prefix('[')
        .is_some_and(|rest| !rest.trim_start().starts_with(']'))
}

/// What is wrong with the JSON, and where. serde's own words can repeat a value of the body.
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
    use crate::recipient::Recipient;

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
        let body = envelope().encoder().encode(
            &[Recipient::parse(Channel::Line, USER).unwrap()],
            r#"[{"text":"早安","type":"text"}]"#,
        );
        assert_eq!(
            body,
            concat!(
                r#"{"v":1,"run":"xmas@2026-12-25T00:00:00Z","channel":"line","#,
                r#""recipients":["U4af4980629f0c1d2e3f4a5b6c7d8e9fa"],"#,
                r#""messages":[{"text":"早安","type":"text"}],"#,
                r#""started_at":"2026-12-25T00:00:01Z"}"#,
            )
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
        // These values are a promise between versions: a change of one would send what is under
        // way during a deployment twice.
        let one = Delivery::decode(&envelope().encoder().encode(
            &[Recipient::parse(Channel::Line, USER).unwrap()],
            r#"[{"text":"hi","type":"text"}]"#,
        ))
        .unwrap();
        assert_eq!(
            one.request().body,
            r#"{"to":"U4af4980629f0c1d2e3f4a5b6c7d8e9fa","messages":[{"text":"hi","type":"text"}]}"#
        );
        assert_eq!(
            one.request().retry_key.to_string(),
            "756817a5-1f61-58d6-b620-ba042ccc89d2"
        );
        let mut many = Delivery::decode(
            &envelope()
                .encoder()
                .encode(&users(3), r#"[{"text":"hi","type":"text"}]"#),
        )
        .unwrap();
        assert_eq!(
            many.request().retry_key.to_string(),
            "0e966d30-31a4-5516-80e7-6dc00df262a4"
        );
        many.envelope.notification_disabled = true;
        assert_eq!(
            many.request().retry_key.to_string(),
            "fcdda68b-50fc-5deb-b5c1-b3164fe3a375"
        );
    }

    #[test]
    fn the_key_knows_the_run_and_the_request_and_no_clock() {
        let base = Delivery::decode(
            &envelope()
                .encoder()
                .encode(&users(2), r#"[{"text":"hi","type":"text"}]"#),
        )
        .unwrap();
        let mut later = base.clone();
        later.envelope.started_at = "2026-12-25T09:00:00Z".parse().unwrap();
        later.envelope.expires_at = Some("2026-12-26T00:00:00Z".parse().unwrap());
        assert_eq!(base.request().retry_key, later.request().retry_key);
        let mut other_run = base.clone();
        other_run.envelope.run = "xmas@2026-12-26T00:00:00Z".into();
        assert_ne!(base.request().retry_key, other_run.request().retry_key);
        let fewer = base.with_recipients(base.recipients[..1].to_vec());
        assert_ne!(base.request().retry_key, fewer.request().retry_key);
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
            concat!(
                r#"{"v":1,"run":"r","channel":"line","recipients":["secret"],"#,
                r#""messages":5,"started_at":"secret"}"#,
            ),
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
            let mut body = envelope().encoder().encode(&users(n), "[{}]");
            body = body.replace("[\"\"]", "[]").replace("[\"],", "[],");
            assert_eq!(Delivery::decode(&body).is_ok(), fits, "{n}");
        }
    }

    #[test]
    fn nothing_is_sent_to_nobody_and_no_empty_message_to_anybody() {
        for (recipients, messages, refused) in [
            (r#"[""]"#, "[{}]", Some(DecodeError::EmptyRecipient)),
            (r#"["U1"," "]"#, "[{}]", Some(DecodeError::EmptyRecipient)),
            (r#"["U1"]"#, "[]", Some(DecodeError::NoMessages)),
            (r#"["U1"]"#, "[ ]", Some(DecodeError::NoMessages)),
            (r#"["U1"]"#, "{}", Some(DecodeError::NoMessages)),
            (r#"["U1"]"#, "null", Some(DecodeError::NoMessages)),
            (r#"["U1"]"#, " [ {}]", None),
        ] {
            let body = [
                r#"{"v":1,"run":"r","channel":"line","started_at":"2026-01-01T00:00:00Z""#,
                &format!(r#","recipients":{recipients},"messages":{messages}}}"#),
            ]
            .concat();
            let error = Delivery::decode(&body).err().map(|error| error.to_string());
            assert_eq!(error, refused.map(|refused| refused.to_string()), "{body}");
        }
    }

    #[test]
    #[should_panic(expected = "a request without a recipient")]
    fn there_is_no_request_to_nobody() {
        let body = envelope().encoder().encode(&users(1), "[{}]");
        let delivery = Delivery::decode(&body).unwrap();
        delivery.with_recipients(Vec::new()).request();
    }

    #[test]
    fn producer_and_consumer_make_the_same_request() {
        let messages = r#"[{"text":"早\u0000","type":"text"}]"#;
        for n in [1, 2, 500] {
            let mut envelope = envelope();
            envelope.notification_disabled = n == 2;
            let body = envelope.encoder().encode(&users(n), messages);
            assert_eq!(
                envelope.request(&users(n), messages),
                Delivery::decode(&body).unwrap().request()
            );
        }
    }
}
