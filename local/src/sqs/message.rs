//! A message, its attributes, and the two things that SQS works out about them: their size and their MD5.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Millis;
use crate::sqs::refusal::Refusal;

/// A message may have ten attributes at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_ATTRIBUTES: usize = 10;

/// A message in a queue. Small, and cheap to copy: a million of them wait at once.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    pub(crate) body: Arc<str>,
    pub(crate) body_md5: [u8; 16],
    /// What few messages have; `None` costs a million of them nothing.
    pub(crate) extra: Option<Arc<Extra>>,
    pub(crate) sent_at: Millis,
    /// 0 until the first receive.
    pub(crate) first_received_at: Millis,
    pub(crate) receives: u32,
}

/// The rarer parts of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    pub(crate) attributes: Attributes,
    pub(crate) trace_header: Option<String>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) deduplication_id: Option<Arc<str>>,
    /// Where the message stands in a FIFO queue; 0 in a standard one.
    pub(crate) sequence: u64,
    /// The queue whose redrive policy moved the message here.
    pub(crate) dead_letter_source: Option<Arc<str>>,
}

/// Message attributes by name, in the order that their MD5 wants.
pub(crate) type Attributes = BTreeMap<String, Attribute>;

/// One message attribute, as it is on the wire.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
    #[serde(default)]
    pub(crate) data_type: String,
}

impl Attribute {
    /// The bytes of the value: what counts in the size and in the MD5.
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

/// Whether SQS takes every character: those of XML 1.0.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub(crate) fn is_allowed(text: &str) -> bool {
    // Most texts have no control bytes and no U+FFFE or U+FFFF (EF BF BE, EF BF BF), and one pass over the bytes says so.
    let suspect = text
        .bytes()
        .any(|byte| byte == 0xEF || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')));
    !suspect
        || text.chars().all(
            |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}'),
        )
}

/// The bytes that count towards the limit: the body, and the name, type and value of every attribute.
pub(crate) fn size(body: &str, attributes: &Attributes) -> Result<usize, Refusal> {
    attributes
        .iter()
        .try_fold(body.len(), |size, (name, attribute)| {
            Ok(size + name.len() + attribute.data_type.len() + attribute.bytes()?.len())
        })
}

/// Refuses attributes that SQS would refuse.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(crate) fn check_attributes(attributes: &Attributes) -> Result<(), Refusal> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Refusal::InvalidParameterValue(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    attributes
        .iter()
        .try_for_each(|(name, attribute)| check_attribute(name, attribute))
}

fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::InvalidParameterValue(message));
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > 256 {
        return refuse("Message (user) attribute names must be shorter than 256 Bytes".to_owned());
    }
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        || name.contains("..")
    {
        return refuse(
            "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. "
                .to_owned(),
        );
    }
    if lower.starts_with("aws.")
        || lower.starts_with("amazon.")
        || name.starts_with('.')
        || name.ends_with('.')
    {
        return refuse(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'."
                .to_owned(),
        );
    }
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let binary = match kind {
        "String" | "Number" => false,
        "Binary" => true,
        _ if attribute.data_type.is_empty() => {
            return refuse(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            ));
        }
        _ => {
            return refuse(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            ));
        }
    };
    let empty = || {
        refuse(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        ))
    };
    match (binary, &attribute.string_value, &attribute.binary_value) {
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

/// A sequence number as text has twenty digits; a message of a standard queue has none.
pub(crate) fn sequence_number(sequence: u64) -> Option<String> {
    // SQS's numbers are past what 64 bits hold, and not one after the other.
    (sequence > 0)
        .then(|| (18_850_000_000_000_000_000_u128 + u128::from(sequence) * 256).to_string())
}

/// The MD5 of a body.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The MD5 of attributes, as the SDKs check it: of each, in order of name, the lengths and bytes of name and type, one byte
/// for the kind, the length and bytes of the value.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a Attribute)>,
) -> Result<Option<String>, Refusal> {
    let mut digest = None;
    for (name, attribute) in attributes {
        let digest: &mut Md5 = digest.get_or_insert_default();
        let value = attribute.bytes()?;
        add(digest, name.as_bytes());
        add(digest, attribute.data_type.as_bytes());
        digest.update([if attribute.string_value.is_some() {
            1
        } else {
            2
        }]);
        add(digest, &value);
    }
    Ok(digest.map(|digest| hex(&digest.finalize().into())))
}

fn add(digest: &mut Md5, bytes: &[u8]) {
    // No message is near 4 GiB: the limit is one MiB.
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

/// The digest in lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 16]) -> String {
    Uuid::from_bytes(*digest).simple().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Attribute {
        Attribute {
            string_value: Some(value.to_owned()),
            binary_value: None,
            data_type: "String".to_owned(),
        }
    }

    #[test]
    fn md5s_are_those_that_were_recorded() {
        assert_eq!(hex(&md5(b"message-1")), "3d6b824fd8c1520e9a047d21fee6fb1f");
        let attributes = Attributes::from([("MyAttribute".to_owned(), text("foobar"))]);
        assert_eq!(
            md5_of_attributes(attributes.iter()).unwrap().as_deref(),
            Some("adb59cd4678ea5a855436b949cd07ab6")
        );
        assert_eq!(md5_of_attributes(Attributes::new().iter()).unwrap(), None);
    }

    #[test]
    fn the_size_counts_names_types_and_decoded_values() {
        let blob = Attribute {
            string_value: None,
            binary_value: Some("AAEC".to_owned()),
            data_type: "Binary".to_owned(),
        };
        let attributes = Attributes::from([("b".to_owned(), blob), ("t".to_owned(), text("値"))]);
        assert_eq!(
            size("body", &attributes).unwrap(),
            4 + (1 + 6 + 3) + (1 + 6 + 3)
        );
    }

    #[test]
    fn attributes_that_sqs_refuses_are_refused() {
        let of_type = |data_type: &str, value: &str| Attribute {
            data_type: data_type.to_owned(),
            ..text(value)
        };
        for (name, attribute, fine) in [
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
            let attributes = Attributes::from([(name.to_owned(), attribute)]);
            assert_eq!(check_attributes(&attributes).is_ok(), fine, "{name}");
        }
        let eleven = (0..11).map(|n| (format!("a{n}"), text("v"))).collect();
        assert!(check_attributes(&eleven).is_err());
    }

    proptest! {
        #[test]
        fn the_quick_pass_over_the_bytes_agrees_with_the_definition(text in any::<String>()) {
            let allowed = text.chars().all(|c| matches!(
                u32::from(c),
                0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF
            ));
            prop_assert_eq!(is_allowed(&text), allowed);
        }
    }

    #[test]
    fn the_two_non_characters_and_the_controls_are_not_allowed() {
        for bad in ["\u{0}", "a\u{b}", "\u{FFFE}", "é\u{FFFF}", "\u{1f}"] {
            assert!(!is_allowed(bad), "{bad:?}");
        }
        assert!(is_allowed("\t\r\n \u{7f}\u{FFFD}\u{10FFFF}"));
    }
}
