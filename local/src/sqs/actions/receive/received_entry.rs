//! A received message in the answer, with the attributes that the request asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::sqs::handle::ReceiptHandle;
use crate::sqs::message::attributes::{MessageAttributes, md5_of_attributes};
use crate::sqs::message::text::hex;
use crate::sqs::message::{ExtraParts, StoredMessage, sequence_number};
use crate::sqs::refusal::Refusal;

/// The system attributes that a request can ask for.
const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

/// The attributes that a request asks for.
#[derive(Debug, Default)]
pub(crate) struct AskedAttributes {
    system: Vec<String>,
    message: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReceivedEntry {
    message_id: Uuid,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(serialize_with = "text")]
    body: Arc<str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: MessageAttributes,
}

fn text<S: serde::Serializer>(body: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(body)
}

impl AskedAttributes {
    /// Refuses a system attribute that does not exist.
    pub(crate) fn new(system: Vec<String>, message: Vec<String>) -> Result<Self, Refusal> {
        let unknown = system
            .iter()
            .find(|name| !SYSTEM_ATTRIBUTES.contains(&name.as_str()));
        match unknown {
            Some(name) => Err(Refusal::InvalidAttributeName(format!(
                "Unknown Attribute {name}."
            ))),
            None => Ok(Self { system, message }),
        }
    }

    /// The message as the answer has it.
    pub(crate) fn describe(
        &self,
        message: &StoredMessage,
        handle: ReceiptHandle,
    ) -> Result<ReceivedEntry, Refusal> {
        let attributes = message.extra.as_deref().map(|extra| &extra.attributes);
        let message_attributes: MessageAttributes = attributes
            .into_iter()
            .flatten()
            .filter(|(name, _)| self.message.iter().any(|asked| matches_name(asked, name)))
            .map(|(name, attribute)| (name.clone(), attribute.clone()))
            .collect();
        Ok(ReceivedEntry {
            message_id: message.id,
            receipt_handle: handle.encode(),
            md5_of_body: hex(&message.body_md5),
            body: Arc::clone(&message.body),
            attributes: self.system_attributes(message),
            md5_of_attributes: md5_of_attributes(message_attributes.iter())?,
            message_attributes,
        })
    }

    fn system_attributes(&self, message: &StoredMessage) -> BTreeMap<&'static str, String> {
        if self.system.is_empty() {
            return BTreeMap::new();
        }
        let all = self.system.iter().any(|asked| asked == "All");
        let none = ExtraParts::default();
        let extra = message.extra.as_deref().unwrap_or(&none);
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        [
            ("SenderId", Some("AIDAFANLINELOCALQUEUE".to_owned())),
            ("SentTimestamp", Some(message.sent_at.to_string())),
            (
                "ApproximateReceiveCount",
                Some(message.receives.to_string()),
            ),
            (
                "ApproximateFirstReceiveTimestamp",
                Some(message.first_received_at.to_string()),
            ),
            ("SequenceNumber", sequence_number(extra.sequence)),
            ("MessageDeduplicationId", text(&extra.deduplication_id)),
            ("MessageGroupId", text(&extra.group)),
            ("AWSTraceHeader", extra.trace_header.clone()),
            ("DeadLetterQueueSourceArn", text(&extra.dead_letter_source)),
        ]
        .into_iter()
        .filter(|(name, _)| all || self.system.iter().any(|asked| asked == name))
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// Whether `asked` means the attribute `name`. It can be the name, `All`, or a prefix and `.*`.
fn matches_name(asked: &str, name: &str) -> bool {
    asked == name
        || asked == "All"
        || asked
            .strip_suffix(".*")
            .is_some_and(|prefix| name.starts_with(prefix))
}
