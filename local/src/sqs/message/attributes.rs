//! Message attributes: what SQS accepts, their size and their MD5.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::sqs::message::text::{hex, is_allowed};
use crate::sqs::refusal::Refusal;

/// A message has at most ten attributes.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_ATTRIBUTES: usize = 10;

/// The name of an attribute has at most 256 characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
const MAX_NAME: usize = 256;

/// Message attributes by name. Their MD5 needs them in this order.
pub(crate) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// One message attribute, as it is on the wire.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageAttribute {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
    #[serde(default)]
    pub(crate) data_type: String,
}

impl MessageAttribute {
    /// The bytes of the value, for the size and the MD5.
    fn bytes(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => Ok(Cow::Borrowed(text.as_bytes())),
            (None, Some(base64)) => BASE64
                .decode(base64)
                .map(Cow::Owned)
                .map_err(|error| Refusal::Serialization(error.to_string())),
            (None, None) => Ok(Cow::Borrowed(b"")),
        }
    }
}

/// The bytes that count towards the limit: the body, and the name, type and value of each
/// attribute.
pub(crate) fn size(body: &str, attributes: &MessageAttributes) -> Result<usize, Refusal> {
    attributes
        .iter()
        .try_fold(body.len(), |size, (name, attribute)| {
            Ok(size + name.len() + attribute.data_type.len() + attribute.bytes()?.len())
        })
}

/// Refuses attributes that SQS refuses.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(crate) fn check_attributes(attributes: &MessageAttributes) -> Result<(), Refusal> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Refusal::InvalidParameterValue(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| {
        check_attribute_name(name)?;
        check_attribute_value(name, attribute)
    })
}

fn check_attribute_name(name: &str) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::InvalidParameterValue(message.to_owned()));
    if name.is_empty() || name.len() > MAX_NAME {
        return refuse("Message (user) attribute names must be shorter than 256 Bytes");
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !name.bytes().all(is_allowed) || name.contains("..") {
        return refuse(
            "Message (user) attributes name can only contain upper and lower score characters, \
             digits, periods, hyphens and underscores. ",
        );
    }
    let lower = name.to_ascii_lowercase();
    let is_reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    if is_reserved || name.starts_with('.') || name.ends_with('.') {
        return refuse(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These \
             strings are reserved for internal use. Additionally, they cannot start or end with \
             '.'.",
        );
    }
    Ok(())
}

fn check_attribute_value(name: &str, attribute: &MessageAttribute) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::InvalidParameterValue(message));
    let data_type = attribute.data_type.as_str();
    let kind = data_type
        .split_once('.')
        .map_or(data_type, |(kind, _custom)| kind);
    let is_binary = match kind {
        "String" | "Number" => false,
        "Binary" => true,
        _ if data_type.is_empty() => {
            return refuse(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            ));
        }
        _ => {
            return refuse(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of \
                 supported type prefixes is Binary, Number, and String."
            ));
        }
    };
    let empty = || {
        refuse(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        ))
    };
    match (is_binary, &attribute.string_value, &attribute.binary_value) {
        (true, None, Some(value)) if value.is_empty() => empty(),
        (true, None, Some(_)) => attribute.bytes().map(drop),
        (false, Some(value), None) if value.is_empty() => empty(),
        (false, Some(value), None) if !is_allowed(value) => refuse(format!(
            "Invalid characters found in the value of message attribute '{name}'."
        )),
        (false, Some(value), None) if kind == "Number" && value.parse::<f64>().is_err() => refuse(
            format!("Can't cast the value of message (user) attribute '{name}' to a number."),
        ),
        (false, Some(_), None) => Ok(()),
        (_, None, None) => empty(),
        _ => refuse(format!(
            "Message (user) attribute '{name}' has a value that is not of its type '{kind}'."
        )),
    }
}

/// The MD5 of attributes, as the SDKs check it. `None` without attributes.
///
/// For each attribute, in the order of the names: the lengths and bytes of name and type, one byte
/// for the kind of value, and the length and bytes of the value.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Result<Option<String>, Refusal> {
    let mut digest = None;
    for (name, attribute) in attributes {
        let digest: &mut Md5 = digest.get_or_insert_default();
        let value = attribute.bytes()?;
        let kind = if attribute.string_value.is_some() {
            1
        } else {
            2
        };
        add(digest, name.as_bytes());
        add(digest, attribute.data_type.as_bytes());
        digest.update([kind]);
        add(digest, &value);
    }
    Ok(digest.map(|digest| hex(&digest.finalize().into())))
}

fn add(digest: &mut Md5, bytes: &[u8]) {
    // A request has at most 8 MiB, so the length fits in 32 bits.
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> MessageAttribute {
        MessageAttribute {
            string_value: Some(value.to_owned()),
            binary_value: None,
            data_type: "String".to_owned(),
        }
    }

    #[test]
    fn the_md5_of_attributes_is_the_recorded_one() {
        let attributes = MessageAttributes::from([("MyAttribute".to_owned(), text("foobar"))]);
        assert_eq!(
            md5_of_attributes(attributes.iter()).unwrap().as_deref(),
            Some("adb59cd4678ea5a855436b949cd07ab6")
        );
        let none = MessageAttributes::new();
        assert_eq!(md5_of_attributes(none.iter()).unwrap(), None);
    }

    #[test]
    fn the_size_counts_names_types_and_decoded_values() {
        let blob = MessageAttribute {
            string_value: None,
            binary_value: Some("AAEC".to_owned()),
            data_type: "Binary".to_owned(),
        };
        let attributes =
            MessageAttributes::from([("b".to_owned(), blob), ("t".to_owned(), text("値"))]);
        assert_eq!(
            size("body", &attributes).unwrap(),
            4 + (1 + 6 + 3) + (1 + 6 + 3)
        );
    }

    #[test]
    fn attributes_that_sqs_refuses_are_refused() {
        let of_type = |data_type: &str, value: &str| MessageAttribute {
            data_type: data_type.to_owned(),
            ..text(value)
        };
        for (name, attribute, is_accepted) in [
            ("trace_id-1.x", text("v"), true),
            ("custom", of_type("String.json", "{}"), true),
            ("number", of_type("Number", "-1.5e3"), true),
            ("number", of_type("Number", "many"), false),
            ("blob", of_type("Binary", "text"), false),
            ("kind", of_type("Text", "v"), false),
            ("none", of_type("", "v"), false),
            ("empty", text(""), false),
            ("control", text("\u{1}"), false),
            ("AWS.trace", text("v"), false),
            ("amazon.trace", text("v"), false),
            (".dot", text("v"), false),
            ("dot.", text("v"), false),
            ("a b", text("v"), false),
            (&"n".repeat(257), text("v"), false),
        ] {
            let attributes = MessageAttributes::from([(name.to_owned(), attribute)]);
            assert_eq!(check_attributes(&attributes).is_ok(), is_accepted, "{name}");
        }
        let eleven = (0..11).map(|n| (format!("a{n}"), text("v"))).collect();
        assert!(check_attributes(&eleven).is_err());
    }
}
