//! Text as LINE counts it, and JSON that SQS takes.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// A text's length as LINE counts it: in UTF-16 code units, so most emoji count as two.
/// <https://developers.line.biz/en/docs/messaging-api/text-character-count/>
pub fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text without the white space and the invisible marks around it.
///
/// They come along when an ID is copied out of a web page or a sheet, and nobody sees them.
pub fn trim_marks(text: &str) -> &str {
    let is_seen = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    // Nearly all texts need nothing, and their ends are ASCII.
    if is_seen(text.as_bytes().first()) && is_seen(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(is_mark)
}

/// White space, and what Unicode has to steer how other characters are shown.
/// <https://www.unicode.org/reports/tr44/#General_Category_Values> (`Cf`, `Cc`)
fn is_mark(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// Appends `text` to `json` as a JSON string with its quotes.
pub(crate) fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    push_json_chars(json, text);
    json.push('"');
}

/// Appends `text` to `json` as the inside of a JSON string: it writes no quotes.
pub(crate) fn push_json_chars(json: &mut String, text: &str) {
    // Most texts have nothing to escape. U+FFFE and U+FFFF begin with 0xEF; so do half-width
    // characters, which are only slower this way.
    let is_plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\' && b != 0xEF;
    if text.bytes().all(is_plain) {
        json.push_str(text);
    } else {
        write(json, text, QueueSafe { quote: b"" });
    }
}

/// Appends `value` to `json`, compact, in a form that SQS takes.
///
/// SQS refuses U+FFFE and U+FFFF. JSON allows them, so both are escaped here.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
///
/// # Panics
/// If `value` can't be JSON: it holds a map whose keys are not strings, or its `Serialize` fails.
pub fn push_json<T: Serialize + ?Sized>(json: &mut String, value: &T) {
    write(json, value, QueueSafe { quote: b"\"" });
}

#[expect(
    clippy::expect_used,
    reason = "strings, numbers and maps with string keys are always JSON, and a String takes all"
)]
fn write<T: Serialize + ?Sized>(json: &mut String, value: &T, formatter: QueueSafe) {
    let mut serializer = serde_json::Serializer::with_formatter(StringWriter(json), formatter);
    value
        .serialize(&mut serializer)
        .expect("the value can be written as JSON");
}

struct StringWriter<'a>(&'a mut String);

impl io::Write for StringWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.push_str(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes compact JSON that escapes the two characters which XML 1.0, and so SQS, does not allow.
struct QueueSafe {
    /// What stands before and behind each string.
    quote: &'static [u8],
}

impl Formatter for QueueSafe {
    fn begin_string<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(self.quote)
    }

    fn end_string<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(self.quote)
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for piece in fragment.split_inclusive(['\u{fffe}', '\u{ffff}']) {
            let (clean, escape): (&str, &[u8]) = if let Some(clean) = piece.strip_suffix('\u{fffe}')
            {
                (clean, b"\\ufffe")
            } else if let Some(clean) = piece.strip_suffix('\u{ffff}') {
                (clean, b"\\uffff")
            } else {
                (piece, b"")
            };
            writer.write_all(clean.as_bytes())?;
            writer.write_all(escape)?;
        }
        Ok(())
    }
}

/// Appends a member to a JSON object that is being written: its name, and then what `value` writes.
pub(crate) fn push_member(json: &mut String, name: &str, value: impl FnOnce(&mut String)) {
    if !json.ends_with('{') {
        json.push(',');
    }
    push_json_string(json, name);
    json.push(':');
    value(json);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_emoji_outside_the_basic_plane_counts_two() {
        assert_eq!(utf16_len("早安"), 2);
        assert_eq!(utf16_len("🎄"), 2);
        assert_eq!(utf16_len("a🎄"), 3);
    }

    #[test]
    fn what_nobody_sees_around_a_text_is_no_part_of_it() {
        for around in [
            "", " ", "\t", "\u{a0}", "\u{200b}", "\u{3000}", "\u{feff}", "\u{202a}", "\u{2060}",
            "\u{1a}",
        ] {
            for inside in ["U1", "早 安", "a\u{200b}b", "é"] {
                let text = format!("{around}{inside}{around}{around}");
                assert_eq!(trim_marks(&text), inside, "{text:?}");
            }
            assert_eq!(trim_marks(around), "");
        }
        // A joiner that ends an emoji's name is seen.
        assert_eq!(trim_marks("⭐\u{fe0f}"), "⭐\u{fe0f}");
    }

    #[test]
    fn an_object_keeps_its_quotes_and_is_compact() {
        let mut json = String::from("[");
        push_json(&mut json, &serde_json::json!({"a": ["\u{ffff}", 1, null]}));
        assert_eq!(json, r#"[{"a":["\uffff",1,null]}"#);
    }

    proptest! {
        #[test]
        fn every_text_reads_back_and_holds_no_character_that_the_queue_refuses(
            text in "[a\"\\\\\u{0}\n早ﾅ🎄\u{fffe}\u{ffff}]{0,8}",
        ) {
            let mut json = String::new();
            push_json_string(&mut json, &text);
            let refused = ['\u{fffe}', '\u{ffff}', '\u{0}', '\n'];
            prop_assert_eq!(json.find(refused), None);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
