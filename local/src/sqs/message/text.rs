//! Texts in a message: the characters that SQS accepts, and MD5s.

use md5::{Digest as _, Md5};
use uuid::Uuid;

/// Whether SQS accepts every character of the text: those of XML 1.0.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub(crate) fn is_allowed(text: &str) -> bool {
    // Most texts have no control byte and no byte EF, with which U+FFFE and U+FFFF begin. One pass
    // over the bytes is enough for them.
    let is_suspect = text
        .bytes()
        .any(|byte| byte == 0xEF || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')));
    !is_suspect
        || text.chars().all(|character| {
            matches!(
                character,
                '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}'
            )
        })
}

/// The MD5 of a body.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The digest in lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 16]) -> String {
    Uuid::from_bytes(*digest).simple().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_md5_of_a_body_is_the_recorded_one() {
        assert_eq!(hex(&md5(b"message-1")), "3d6b824fd8c1520e9a047d21fee6fb1f");
    }

    proptest! {
        #[test]
        fn the_fast_check_of_the_bytes_agrees_with_the_definition(text in any::<String>()) {
            let is_allowed_by_definition = text.chars().all(|c| matches!(
                u32::from(c),
                0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF
            ));
            prop_assert_eq!(is_allowed(&text), is_allowed_by_definition);
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
