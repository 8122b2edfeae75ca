//! How the text of a list is encoded.

use std::fmt;
use std::str::FromStr;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::DecoderResult;
use serde::{Deserialize, Deserializer};

/// How the text of a list is encoded: one of <https://encoding.spec.whatwg.org/#names-and-labels>.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

/// A byte that UTF-8 has nowhere. It stands for what can't be decoded, so that its row is refused.
const UNDECODED: u8 = 0xff;

/// Names that programs show to people, beside the labels of the standard.
const ALSO_CALLED: [(&str, &encoding_rs::Encoding); 6] = [
    ("cp874", encoding_rs::WINDOWS_874),
    ("cp932", encoding_rs::SHIFT_JIS),
    ("cp936", encoding_rs::GBK),
    ("cp949", encoding_rs::EUC_KR),
    ("cp950", encoding_rs::BIG5),
    ("sjis", encoding_rs::SHIFT_JIS),
];

impl Encoding {
    /// The usual one.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);
    /// UTF-16, the lower half of a unit first: Excel's "Unicode Text".
    pub const UTF_16_LE: Self = Self(encoding_rs::UTF_16LE);
    /// UTF-16, the upper half of a unit first.
    pub const UTF_16_BE: Self = Self(encoding_rs::UTF_16BE);

    /// The value of the campaign's field `encoding` for this encoding.
    pub fn label(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// Whether each character of the encoding is one character of UTF-8, in the same bytes.
    pub fn is_utf8(self) -> bool {
        self == Self::UTF_8
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let also = ALSO_CALLED
            .iter()
            .find(|(name, _)| text.trim().eq_ignore_ascii_case(name));
        also.map(|(_, encoding)| *encoding)
            // The standard's way to say that a text must not be decoded at all.
            .or_else(|| encoding_rs::Encoding::for_label_no_replacement(text.as_bytes()))
            .map(Self)
            .ok_or(UnknownEncoding)
    }
}

/// A name that no encoding has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no encoding has this name: `utf-8`, `utf-16le`, `big5`, `shift_jis`, `gb18030`, `euc-kr`, \
     `windows-874` and `windows-1252` are the usual ones"
)]
pub struct UnknownEncoding;

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| serde::de::Error::custom(format!("`encoding`: {error}")))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoding({self})")
    }
}

/// Turns the bytes of a list into UTF-8, chunk by chunk.
///
/// Nothing is replaced in silence. For what is no text in the encoding it writes a byte that UTF-8
/// does not have, and the reader refuses the row.
pub struct Transcoder {
    decoder: encoding_rs::Decoder,
}

impl Transcoder {
    /// From this encoding.
    pub fn new(encoding: Encoding) -> Self {
        // `ListReader` skips byte order marks.
        let decoder = encoding.0.new_decoder_without_bom_handling();
        Self { decoder }
    }

    /// The next bytes in UTF-8. `last` says that the list ends where `input` does.
    pub fn transcode(&mut self, mut input: &[u8], last: bool) -> Vec<u8> {
        let mut text = Vec::new();
        loop {
            let needed = self
                .decoder
                .max_utf8_buffer_length_without_replacement(input.len());
            let start = text.len();
            text.resize(start + needed.unwrap_or(input.len()), 0);
            let (_, room) = text.split_at_mut(start);
            let (result, read, written) = self
                .decoder
                .decode_to_utf8_without_replacement(input, room, last);
            text.truncate(start + written);
            (_, input) = input.split_at(read);
            match result {
                DecoderResult::InputEmpty => return text,
                DecoderResult::Malformed(_, _) => text.push(UNDECODED),
                DecoderResult::OutputFull => {}
            }
        }
    }
}

/// Guesses an encoding from text that is not UTF-8. A guess is only told to people, never used.
///
/// The detector is large, and most lists need none.
#[derive(Default)]
pub(super) struct Guess(Option<Box<EncodingDetector>>);

impl Guess {
    /// The likely encoding, after one more text.
    pub(super) fn after(&mut self, text: &[u8]) -> Encoding {
        let detector = self
            .0
            .get_or_insert_with(|| Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)));
        detector.feed(text, false);
        detector.feed(b"\n", false);
        let likely = detector.guess(None, Utf8Detection::Deny);
        // GB 18030 has every character of GBK in the same bytes.
        Encoding(if likely == encoding_rs::GBK {
            encoding_rs::GB18030
        } else {
            likely
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [(&str, &[&str]); 8] = [
        ("big5", &["王小明", "陳怡君"]),
        ("shift_jis", &["田中さん", "ヤマダ"]),
        ("gb18030", &["陈怡君", "王小明"]),
        ("euc-kr", &["김민수", "이영희"]),
        ("windows-874", &["สมชาย", "กรุงเทพ"]),
        ("windows-1252", &["José", "Müller"]),
        ("utf-16le", &["王小明", "José 🎄"]),
        ("utf-16be", &["王小明", "José 🎄"]),
    ];

    fn encoded(label: &str, text: &str) -> Vec<u8> {
        match label {
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => {
                let Encoding(encoding) = label.parse().unwrap();
                encoding.encode(text).0.into_owned()
            }
        }
    }

    fn transcoded(label: &str, bytes: &[u8], chunk: usize) -> Vec<u8> {
        let mut transcoder = Transcoder::new(label.parse().unwrap());
        let mut text = Vec::new();
        for chunk in bytes.chunks(chunk) {
            text.extend(transcoder.transcode(chunk, false));
        }
        text.extend(transcoder.transcode(&[], true));
        text
    }

    #[test]
    fn every_usual_encoding_is_read_in_chunks_of_any_size() {
        for (label, names) in NAMES {
            let text = format!("to,name\r\nU1,{}\r\n", names.concat());
            let bytes = encoded(label, &text);
            for chunk in 1..=bytes.len() {
                assert_eq!(
                    transcoded(label, &bytes, chunk),
                    text.as_bytes(),
                    "{label} {chunk}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_text_stays_no_text() {
        for (label, bytes) in [
            ("big5", &b"\xa4,x"[..]),
            ("shift_jis", b"\x81"),
            ("gb18030", b"\xff"),
            ("utf-16le", b"\x00\xd8a\x00"),
            ("utf-16le", b"a"),
        ] {
            let text = transcoded(label, bytes, 1);
            assert!(String::from_utf8(text).is_err(), "{label}");
        }
        // The bytes that show where a field and a row end are never taken along.
        assert_eq!(transcoded("big5", b"\xa4,x\n", 4), b"\xff,x\n");
    }

    #[test]
    fn the_likely_encoding_of_a_few_names_is_found() {
        for (label, names) in NAMES.iter().filter(|(label, _)| !label.starts_with("utf")) {
            let mut guess = Guess::default();
            let likely = names.map_guess(label, &mut guess);
            assert_eq!(likely.label(), *label);
        }
    }

    trait Guessed {
        fn map_guess(&self, label: &str, guess: &mut Guess) -> Encoding;
    }

    impl Guessed for [&str] {
        fn map_guess(&self, label: &str, guess: &mut Guess) -> Encoding {
            let texts = self.iter().map(|name| encoded(label, name));
            texts.map(|text| guess.after(&text)).last().unwrap()
        }
    }

    #[test]
    fn an_encoding_is_named_as_programs_name_it() {
        for (name, label) in [
            ("UTF-8", "utf-8"),
            ("Big5", "big5"),
            ("cp950", "big5"),
            ("SJIS", "shift_jis"),
            ("windows-31j", "shift_jis"),
            ("tis-620", "windows-874"),
            ("latin1", "windows-1252"),
            ("utf-16", "utf-16le"),
        ] {
            assert_eq!(name.parse::<Encoding>().unwrap().label(), label, "{name}");
        }
        for name in ["", "excel", "iso-2022-cn", "replacement"] {
            assert_eq!(name.parse::<Encoding>(), Err(UnknownEncoding), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_the_same_text_in_any_chunks(
            label in prop::sample::select(vec!["big5", "shift_jis", "gb18030", "utf-16le"]),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            chunk in 1usize..10,
        ) {
            let whole = transcoded(label, &bytes, 100);
            prop_assert_eq!(transcoded(label, &bytes, chunk), whole);
        }
    }
}
