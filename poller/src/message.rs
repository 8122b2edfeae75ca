//! A received message that has all the parts that its record and its deletion need.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};

/// A message from the queue.
///
/// The SDK makes every part optional, and the model of SQS does too. Here the id, the receipt
/// handle and the body are always there.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedMessage {
    pub(crate) id: String,
    pub(crate) receipt_handle: String,
    pub(crate) body: String,
    pub(crate) body_md5: Option<String>,
    pub(crate) system_attributes: HashMap<MessageSystemAttributeName, String>,
    pub(crate) attributes: HashMap<String, MessageAttributeValue>,
    pub(crate) attributes_md5: Option<String>,
}

/// A message without one of its parts.
///
/// SQS documents no such message, and Lambda's event has a place for each part. A message without
/// an id must not reach the function: a failure is reported by id, and Lambda takes an empty id in
/// a report as the failure of the whole batch. Without a receipt handle the message can't be
/// deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message has no `{0}`")]
pub(crate) struct MissingPart(pub(crate) &'static str);

impl ReceivedMessage {
    /// The message, if all its parts are there.
    pub(crate) fn from_sdk(message: Message) -> Result<Self, MissingPart> {
        let part = |value: Option<String>, name| {
            value
                .filter(|value| !value.is_empty())
                .ok_or(MissingPart(name))
        };
        Ok(Self {
            id: part(message.message_id, "MessageId")?,
            receipt_handle: part(message.receipt_handle, "ReceiptHandle")?,
            body: part(message.body, "Body")?,
            body_md5: message.md5_of_body,
            // A message without attributes comes without the map.
            system_attributes: message.attributes.unwrap_or_default(),
            attributes: message.message_attributes.unwrap_or_default(),
            attributes_md5: message.md5_of_message_attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_needs_an_id_a_receipt_handle_and_a_body() {
        let whole = || {
            Message::builder()
                .message_id("id")
                .receipt_handle("handle")
                .body("body")
        };
        let message = ReceivedMessage::from_sdk(whole().build()).unwrap();
        assert_eq!(message.id, "id");
        assert_eq!(message.receipt_handle, "handle");
        assert_eq!(message.body, "body");
        for (message, missing) in [
            (whole().set_message_id(None), "MessageId"),
            (whole().message_id(""), "MessageId"),
            (whole().set_receipt_handle(None), "ReceiptHandle"),
            (whole().receipt_handle(""), "ReceiptHandle"),
            (whole().set_body(None), "Body"),
            (whole().body(""), "Body"),
        ] {
            let error = ReceivedMessage::from_sdk(message.build()).unwrap_err();
            assert_eq!(error, MissingPart(missing));
        }
    }
}
