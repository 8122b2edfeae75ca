//! What all deliveries of a run have in common, and how their queue messages are written.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::channel::{Channel, OnUnknown};
use crate::delivery::request::{Request, RequestOptions};
use crate::delivery::unit::AggregationUnit;
use crate::recipient::Recipient;
use crate::text::push_json_string;

/// The versions of the deliveries that this build reads. There is a new one for every field that
/// changes what is sent: a consumer that does not know the field would send another request, under
/// another retry key. A delivery has the least version that has all its fields.
pub(crate) const VERSIONS: RangeInclusive<u64> = 1..=2;

/// What all deliveries of a run have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The run's name: see [`crate::campaign::Campaign::run`].
    pub run: String,
    /// The channel that the run is sent on.
    pub channel: Channel,
    /// Whether the phone stays silent.
    pub notification_disabled: bool,
    /// The unit in which LINE counts what people do with the messages. It came with version 2.
    pub unit: Option<AggregationUnit>,
    /// What happens to a LINE Notify request that was not answered.
    pub on_unknown: OnUnknown,
    /// When the run's fan-out first began. [`crate::delivery::KEY_HORIZON`] counts from here.
    pub started_at: Timestamp,
    /// After this time nothing more is sent.
    pub expires_at: Option<Timestamp>,
}

impl Envelope {
    /// The encoder of the queue messages of a slice of this run. It writes once what they have in
    /// common. `slice` is the slice's name, such as `1`: letters and digits.
    pub fn encoder(&self, slice: &str) -> Encoder {
        self.encoder_with("", slice)
    }

    /// The same, where an earlier invocation may have published these deliveries: each message says
    /// that LINE may have taken its delivery.
    pub fn encoder_of_copies(&self, slice: &str) -> Encoder {
        self.encoder_with(PERHAPS_TAKEN, slice)
    }

    fn encoder_with(&self, mark: &str, slice: &str) -> Encoder {
        let (mut head, mut tail) = (String::new(), String::new());
        self.open(&mut head);
        self.close(&mut tail);
        tail.push_str(mark);
        tail.push_str(AT);
        tail.push_str(slice);
        tail.push(':');
        Encoder { head, tail }
    }

    /// How many bytes a queue message of this run has at most, without its recipients and its
    /// messages, whatever its place in the run, and whether it is a copy or not.
    pub fn max_len(&self) -> usize {
        // The encoder writes one quote even where there is no recipient.
        let without_slice = self.encoder_of_copies("").encoded_len(&[], 0, u32::MAX) - 1;
        without_slice + MAX_SLICE_LEN
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
        Request::new(&self.run, to, messages, self.options())
    }

    pub(crate) fn options(&self) -> RequestOptions<'_> {
        RequestOptions {
            notification_disabled: self.notification_disabled,
            unit: self.unit.as_ref(),
        }
    }

    /// Appends what is in front of the recipients.
    pub(crate) fn open(&self, body: &mut String) {
        body.push_str("{\"v\":");
        body.push_str(if self.unit.is_some() { "2" } else { "1" });
        body.push_str(",\"run\":");
        push_json_string(body, &self.run);
        body.push_str(",\"channel\":\"");
        body.push_str(self.channel.as_str());
        body.push_str("\",\"recipients\":[");
    }

    /// Appends what is behind the messages and in front of the place in the run.
    pub(crate) fn close(&self, body: &mut String) {
        if self.notification_disabled {
            body.push_str(",\"notification_disabled\":true");
        }
        if let Some(unit) = &self.unit {
            body.push_str(",\"unit\":\"");
            body.push_str(unit.as_str());
            body.push('"');
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
    }
}

/// What is between the recipients and the messages.
pub(crate) const MESSAGES: &str = "],\"messages\":";

/// What a copy has between the envelope and the place in the run.
pub(crate) const PERHAPS_TAKEN: &str = ",\"perhaps_taken\":true";

/// What is between the envelope and the place in the run.
pub(crate) const AT: &str = ",\"at\":\"";

/// What is behind the place in the run.
pub(crate) const END: &str = "\"}";

/// The length of a slice's name at most: the number of a row, and a letter.
const MAX_SLICE_LEN: usize = 21;

/// Writes the queue messages of one slice of a run.
///
/// Each has its place in the run in the field `at`: the slice, and the number of the delivery in
/// the slice. It is not sent to LINE, so the retry key does not depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    head: String,
    tail: String,
}

impl Encoder {
    /// The queue message that carries `messages` (a JSON array, as rendered) to `recipients`. It is
    /// the delivery of this `number` in its slice; the first one is 0.
    ///
    /// Without a recipient it is not JSON, so that nothing can be sent from it.
    pub fn encode(&self, recipients: &[Recipient], messages: &str, number: u32) -> String {
        let mut body = String::with_capacity(self.encoded_len(recipients, messages.len(), number));
        body.push_str(&self.head);
        for (i, recipient) in recipients.iter().enumerate() {
            body.push_str(if i == 0 { "\"" } else { "\",\"" });
            recipient.push_to(&mut body);
        }
        body.push('"');
        body.push_str(MESSAGES);
        body.push_str(messages);
        body.push_str(&self.tail);
        body.push_str(&number.to_string());
        body.push_str(END);
        body
    }

    /// The exact length of [`Encoder::encode`] for messages of this length.
    pub fn encoded_len(&self, recipients: &[Recipient], messages: usize, number: u32) -> usize {
        // Two quotes for each and a comma between two. Without a recipient one quote is written.
        let names: usize = recipients.iter().map(|recipient| recipient.len() + 3).sum();
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        let place = self.tail.len() + digits + END.len();
        self.head.len() + names.max(2) - 1 + MESSAGES.len() + messages + place
    }
}
