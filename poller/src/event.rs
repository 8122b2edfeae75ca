//! The event that Lambda makes of a batch of messages.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// A batch with all its metadata has so many bytes at most; Lambda hands over fewer messages rather than more bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const MAX_PAYLOAD: usize = 6 * 1_048_576;

/// More than all that is in a record apart from its body and attributes.
const RECORD_OVERHEAD: usize = 2_048;

/// The event of these messages.
pub(crate) fn event(messages: &[Message], queue_arn: &str, region: &str) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| record(message, queue_arn, region))
        .collect();
    json!({ "Records": records })
}

/// How many of the messages, from the first, fit in one event.
pub(crate) fn fitting(messages: &[Message]) -> usize {
    let mut bytes = 0;
    messages
        .iter()
        .take_while(|message| {
            bytes += RECORD_OVERHEAD + escaped_len(message.body.as_deref().unwrap_or_default());
            bytes += message
                .message_attributes
                .iter()
                .flatten()
                .map(|(name, value)| attribute_len(name, value))
                .sum::<usize>();
            bytes <= MAX_PAYLOAD
        })
        .count()
        // A message by itself always goes: its body is 1 MiB at most, and six times that only where it is all controls.
        .max(1)
        .min(messages.len())
}

fn attribute_len(name: &str, value: &MessageAttributeValue) -> usize {
    let text = value.string_value.as_deref().map_or(0, escaped_len);
    let binary = value
        .binary_value
        .as_ref()
        .map_or(0, |bytes| bytes.as_ref().len() * 4 / 3);
    128 + name.len() + value.data_type.len() + text + binary
}

/// The bytes of the text in JSON.
fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

fn record(message: &Message, queue_arn: &str, region: &str) -> Value {
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
        .collect();
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": message_attributes(message.message_attributes.as_ref()),
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    });
    if let (Some(md5), Some(record)) = (&message.md5_of_message_attributes, record.as_object_mut())
    {
        record.insert(
            "md5OfMessageAttributes".to_owned(),
            Value::from(md5.as_str()),
        );
    }
    record
}

fn message_attributes(
    attributes: Option<&HashMap<String, MessageAttributeValue>>,
) -> Map<String, Value> {
    attributes
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let mut attribute = json!({
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type,
            });
            if let Some(attribute) = attribute.as_object_mut() {
                if let Some(text) = &value.string_value {
                    attribute.insert("stringValue".to_owned(), Value::from(text.as_str()));
                }
                if let Some(bytes) = &value.binary_value {
                    attribute.insert("binaryValue".to_owned(), Value::from(BASE64.encode(bytes)));
                }
            }
            (name.clone(), attribute)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_messages_as_fit_in_six_mebibytes_go_together() {
        let of = |body: String| Message::builder().body(body).build();
        assert_eq!(fitting(&vec![of("x".repeat(1_000_000)); 10]), 6);
        assert_eq!(fitting(&vec![of("\"".repeat(1_000_000)); 10]), 3);
        assert_eq!(fitting(&vec![of("x".to_owned()); 10]), 10);
        assert_eq!(fitting(&[of("\u{1}".repeat(1_048_576))]), 1);
        assert_eq!(fitting(&[]), 0);
    }
}
