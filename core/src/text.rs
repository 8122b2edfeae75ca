//! The lengths that LINE counts, and JSON that a queue accepts.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// A text's length as LINE counts it: UTF-16 code units, so most emoji count two.
/// <https://developers.line.biz/en/docs/messaging-api/text-character-count/>
pub fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Appends `text` to `json` as a JSON string, quotes included.
pub fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    push_json_chars(json, text);
    json.push('"');
}

/// Appends `text` to `json` as it stands inside a JSON string: [`push_json_string`] without the quotes.
pub fn push_json_chars(json: &mut String, text: &str) {
    // 0xEF 0xBF begins U+FFFE and U+FFFF (and half-width forms, which take the slow way for nothing but time).
    if text
        .bytes()
        .all(|b| b >= 0x20 && b != b'"' && b != b'\\' && b != 0xEF)
    {
        json.push_str(text);
        return;
    }
    let mut quoted = String::with_capacity(text.len() + 8);
    push_json(&mut quoted, text);
    json.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
}

/// Appends `value` to `json`, compact, in a form that SQS takes.
///
/// SQS refuses U+FFFE and U+FFFF, which JSON leaves as they are, so both are escaped.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
///
/// # Panics
/// Where `value` is no plain data: a map with keys that are not strings, a `Serialize` that fails.
pub fn push_json<T: Serialize + ?Sized>(json: &mut String, value: &T) {
    struct Sink<'a>(&'a mut String);
    impl io::Write for Sink<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
            self.0.push_str(text);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut serializer = serde_json::Serializer::with_formatter(Sink(json), QueueSafe);
    #[expect(
        clippy::expect_used,
        reason = "strings, numbers and string-keyed maps always serialise, and the sink never fails"
    )]
    value
        .serialize(&mut serializer)
        .expect("plain data serialises");
}

/// Compact JSON without the two characters that XML 1.0, and so SQS, has no place for.
struct QueueSafe;

impl Formatter for QueueSafe {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['\u{fffe}', '\u{ffff}']) {
            let (clean, tail) = rest.split_at(at);
            writer.write_all(clean.as_bytes())?;
            writer.write_all(if tail.starts_with('\u{fffe}') {
                b"\\ufffe"
            } else {
                b"\\uffff"
            })?;
            rest = tail.get('\u{ffff}'.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_outside_the_basic_plane_counts_two() {
        assert_eq!(utf16_len("早安"), 2);
        assert_eq!(utf16_len("🎄"), 2);
        assert_eq!(utf16_len("a🎄"), 3);
    }

    #[test]
    fn json_holds_no_character_that_the_queue_refuses() {
        let odd = "a\u{fffe}b\u{ffff}\u{0}\"\n早";
        let mut json = String::new();
        push_json_string(&mut json, odd);
        assert!(!json.contains(['\u{fffe}', '\u{ffff}', '\u{0}']));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), odd);
    }
}
