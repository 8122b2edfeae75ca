//! What all deliveries of a run have in common, and how their queue messages are written.

use jiff::Timestamp;

use crate::channel::{Channel, OnUnknown};
use crate::delivery::request::Request;
use crate::recipient::Recipient;
use crate::text::push_json_string;

/// The version of the deliveries that this build writes and reads. It changes with every field that
/// changes what is sent.
pub(crate) const VERSION: u64 = 1;

/// What all deliveries of a run have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The run's name: see [`crate::campaign::Campaign::run`].
    pub run: String,
    /// The channel that the run is sent on.
    pub channel: Channel,
    /// Whether the phone stays silent.
    pub notification_disabled: bool,
    /// What happens to a LINE Notify request that was not answered.
    pub on_unknown: OnUnknown,
    /// When the run's fan-out first began. [`crate::delivery::KEY_HORIZON`] counts from here.
    pub started_at: Timestamp,
    /// After this time nothing more is sent.
    pub expires_at: Option<Timestamp>,
}

impl Envelope {
    /// The encoder of this run's queue messages. It writes once what they have in common.
    pub fn encoder(&self) -> Encoder {
        let (mut head, mut tail) = (String::new(), String::new());
        self.open(&mut head);
        self.close(&mut tail);
        Encoder { head, tail }
    }

    /// The request of a delivery that carries `messages` (a JSON array, as rendered) to
    /// `recipients`.
    ///
    /// # Panics
    /// If there is no recipient.
    pub fn request(&self, recipients: &[Recipient], messages: &str) -> Request {
        let to = recipients
            .iter()
            .map(|recipient| |body: &mut String| recipient.push_to(body));
        Request::new(&self.run, to, messages, self.notification_disabled)
    }

    /// Appends what is in front of the recipients.
    pub(crate) fn open(&self, body: &mut String) {
        body.push_str("{\"v\":");
        body.push_str(&VERSION.to_string());
        body.push_str(",\"run\":");
        push_json_string(body, &self.run);
        body.push_str(",\"channel\":\"");
        body.push_str(self.channel.as_str());
        body.push_str("\",\"recipients\":[");
    }

    /// Appends what is behind the messages.
    pub(crate) fn close(&self, body: &mut String) {
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

/// What is between the recipients and the messages.
pub(crate) const MESSAGES: &str = "],\"messages\":";

/// Writes the queue messages of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    head: String,
    tail: String,
}

impl Encoder {
    /// The queue message that carries `messages` (a JSON array, as rendered) to `recipients`.
    ///
    /// Without a recipient it is not JSON, so that nothing can be sent from it.
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
        // Two quotes for each and a comma between two. Without a recipient one quote is written.
        let names: usize = recipients.iter().map(|recipient| recipient.len() + 3).sum();
        self.head.len() + names.max(2) - 1 + MESSAGES.len() + messages + self.tail.len()
    }
}
