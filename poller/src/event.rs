//! The event that Lambda makes of a batch of messages.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::collections::HashMap;

use aws_sdk_sqs::types::MessageAttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::message::ReceivedMessage;
use crate::queue::QueueArn;

/// An event has at most this many bytes. Lambda puts fewer messages in it rather than more bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const MAX_EVENT_BYTES: usize = 6 * 1_048_576;

/// More bytes than a record has beside its body and its message attributes.
const RECORD_OVERHEAD: usize = 2_048;

/// More bytes than a message attribute has beside its name, its type and its value.
const ATTRIBUTE_OVERHEAD: usize = 128;

/// The event with these messages.
pub(crate) fn event(messages: &[ReceivedMessage], queue: &QueueArn) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| record(message, queue))
        .collect();
    json!({ "Records": records })
}

/// How many of the messages, counted from the first, fit in one event.
pub(crate) fn fitting(messages: &[ReceivedMessage]) -> usize {
    let mut bytes = 0;
    messages
        .iter()
        .take_while(|message| {
            bytes += record_len(message);
            bytes <= MAX_EVENT_BYTES
        })
        .count()
        // One message alone always goes. Its body has at most 1 MiB, and that can become more than
        // 6 MiB of JSON only if it is all control characters.
        .max(1)
        .min(messages.len())
}

fn record_len(message: &ReceivedMessage) -> usize {
    let attributes = message.attributes.iter();
    let attributes = attributes.map(|(name, value)| attribute_len(name, value));
    RECORD_OVERHEAD + escaped_len(&message.body) + attributes.sum::<usize>()
}

fn attribute_len(name: &str, value: &MessageAttributeValue) -> usize {
    let text = value.string_value.as_deref().map_or(0, escaped_len);
    let binary = value
        .binary_value
        .as_ref()
        .map_or(0, |bytes| bytes.as_ref().len().div_ceil(3) * 4);
    ATTRIBUTE_OVERHEAD + name.len() + value.data_type.len() + text + binary
}

/// How many bytes the text has in JSON.
fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

fn record(message: &ReceivedMessage, queue: &QueueArn) -> Value {
    let attributes: Map<String, Value> = message
        .system_attributes
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
        .collect();
    let mut record = json!({
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": message_attributes(&message.attributes),
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.text,
        "awsRegion": queue.region,
    });
    set_if_some(
        &mut record,
        "md5OfMessageAttributes",
        message.attributes_md5.as_deref(),
    );
    record
}

fn message_attributes(attributes: &HashMap<String, MessageAttributeValue>) -> Map<String, Value> {
    attributes
        .iter()
        .map(|(name, value)| {
            let mut attribute = json!({
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type,
            });
            let binary = value
                .binary_value
                .as_ref()
                .map(|bytes| BASE64.encode(bytes));
            set_if_some(&mut attribute, "stringValue", value.string_value.as_deref());
            set_if_some(&mut attribute, "binaryValue", binary.as_deref());
            (name.clone(), attribute)
        })
        .collect()
}

/// Adds a field that Lambda leaves out if there is no value.
fn set_if_some(object: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
        fields.insert(name.to_owned(), Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: String) -> ReceivedMessage {
        ReceivedMessage {
            id: "id".to_owned(),
            receipt_handle: "handle".to_owned(),
            body,
            body_md5: None,
            system_attributes: HashMap::new(),
            attributes: HashMap::new(),
            attributes_md5: None,
        }
    }

    #[test]
    fn an_event_takes_as_many_messages_as_fit_in_six_mebibytes() {
        assert_eq!(fitting(&vec![message("x".repeat(1_000_000)); 10]), 6);
        assert_eq!(fitting(&vec![message("\"".repeat(1_000_000)); 10]), 3);
        assert_eq!(fitting(&vec![message("x".to_owned()); 10]), 10);
        assert_eq!(fitting(&[message("\u{1}".repeat(1_048_576))]), 1);
        assert_eq!(fitting(&[]), 0);
    }

    #[test]
    fn an_event_has_no_more_bytes_than_were_counted_for_its_messages() {
        let text = MessageAttributeValue::builder()
            .data_type("String")
            .string_value("早安 \"quoted\"\n");
        let binary = MessageAttributeValue::builder()
            .data_type("Binary")
            .binary_value(aws_sdk_sqs::primitives::Blob::new([0, 1, 2, 255]));
        let message = ReceivedMessage {
            attributes: [("text", text), ("binary", binary)]
                .map(|(name, value)| (name.to_owned(), value.build().unwrap()))
                .into(),
            ..message("早安 \u{1}\"\n".to_owned())
        };
        let queue = QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:mail").unwrap();
        let counted = record_len(&message);
        assert!(event(&[message], &queue).to_string().len() <= counted);
    }
}
