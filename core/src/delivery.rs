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
mod sealed;
mod unit;

pub use envelope::{Encoder, Envelope};
pub use request::{Endpoint, KEY_HORIZON, Request};
pub use sealed::{SEALED_VERSION, is_sealed};
pub use unit::AggregationUnit;

use envelope::{AT, END, MESSAGES, PERHAPS_TAKEN, VERSIONS};

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
    /// Where it stands in its run, such as `1:4711`: the slice, the number in the slice, and for a
    /// part of a split the positions of its people. `None` where nobody has said it.
    pub at: Option<String>,
    /// Whether LINE may have taken it, or a part of it, under an earlier queue message, although
    /// no answer said so. SQS counts the receives of each message anew.
    pub perhaps_taken: bool,
    messages: Box<RawValue>,
}

/// Why a queue message is not a delivery. It never repeats the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is not JSON, or does not have the fields of a delivery.
    #[error("the body is not a delivery: {0}")]
    Shape(String),
    /// The body is of a version that this build does not know.
    #[error("the body is a delivery of version {0}; this build reads version 1 to {latest}", latest = VERSIONS.end())]
    Version(u64),
    /// The body is sealed: only who has its key can read it.
    #[error("the delivery is sealed, and there is no key to open it with: set `SEAL_KEY_ARN`")]
    Sealed,
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
    unit: Option<AggregationUnit>,
    #[serde(default)]
    on_unknown: OnUnknown,
    started_at: Timestamp,
    expires_at: Option<Timestamp>,
    at: Option<String>,
    #[serde(default)]
    perhaps_taken: bool,
}

impl Delivery {
    /// Reads a queue message's body.
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        if is_sealed(body) {
            return Err(DecodeError::Sealed);
        }
        // The version comes first: a later one may have other fields.
        let shape = |error: serde_json::Error| DecodeError::Shape(without_values(&error));
        let Versioned { v } = serde_json::from_str(body).map_err(shape)?;
        if !VERSIONS.contains(&v) {
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
                unit: body.unit,
                on_unknown: body.on_unknown,
                started_at: body.started_at,
                expires_at: body.expires_at,
            },
            recipients: body.recipients,
            at: body.at,
            perhaps_taken: body.perhaps_taken,
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
        if self.perhaps_taken {
            body.push_str(PERHAPS_TAKEN);
        }
        match &self.at {
            None => body.push('}'),
            Some(at) => {
                body.push_str(AT);
                push_json_chars(&mut body, at);
                body.push_str(END);
            }
        }
        body
    }

    /// The same messages for other recipients, such as those that are left after one was refused.
    ///
    /// These are not the people who stand at the whole's place, so they have no place in the run
    /// unless the caller gives them one.
    #[must_use]
    pub fn with_recipients(&self, recipients: Vec<String>) -> Self {
        Self {
            envelope: self.envelope.clone(),
            recipients,
            at: None,
            perhaps_taken: self.perhaps_taken,
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
            self.envelope.options(),
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
mod tests;
