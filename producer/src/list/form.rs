//! How a list is packed, written and encoded: what its first bytes, the campaign and its name say.

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use fanline_core::campaign::Campaign;
use fanline_core::list::{Compression, Content, Encoding, FIRST_BYTES, Format, Transcoder};
use tokio::io::{AsyncRead, AsyncReadExt};

/// So many stored bytes are read to find out what a list is. Packed, they hold [`FIRST_BYTES`].
pub(crate) const BEGINNING_BYTES: u64 = 64 * 1024;

/// How a list is packed, written and encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) compression: Compression,
    pub(crate) format: Format,
    pub(crate) encoding: Encoding,
    /// Which sheet of a workbook is the list, where it is not the first one.
    pub(crate) sheet: Option<String>,
}

/// Why a list can't be read: the end of a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// It is something that no list is.
    #[error("{what}: {cure}")]
    Other {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        cure: &'static str,
    },
    /// It was packed by `zstd --long`.
    #[error(
        "needs a window of {}, and {} is the most that is taken: pack it again without `--long`",
        in_units(*.0),
        in_units(MAX_WINDOW)
    )]
    Window(u64),
    /// It is packed, and what is packed is packed too.
    #[error("is packed twice: unpack it once")]
    PackedTwice,
    /// Its first bytes say another encoding than the campaign.
    #[error("is in {found} by its first bytes, and the campaign says {given}: take `encoding` out")]
    Encoding {
        /// What the first bytes say.
        found: Encoding,
        /// What the campaign says.
        given: Encoding,
    },
    /// It is a workbook, and the campaign says another format.
    #[error("is a workbook of Excel by its first bytes: take `format` out of the campaign")]
    IsWorkbook,
    /// It is no workbook, and the campaign or its name says that it is one.
    #[error("is called a workbook of Excel, and is none: is it CSV with another ending?")]
    NoWorkbook,
}

impl Form {
    /// The form of rows that are inside the campaign.
    pub(crate) fn of_inline() -> Self {
        Self {
            compression: Compression::None,
            format: Format::Ndjson,
            encoding: Encoding::UTF_8,
            sheet: None,
        }
    }

    /// The form of a list of this name that begins with these bytes: the first
    /// [`BEGINNING_BYTES`], or all of it.
    pub(crate) async fn find(
        name: &str,
        campaign: &Campaign,
        stored: &[u8],
    ) -> Result<Self, FormError> {
        let compression = match Content::of(first_bytes(stored)) {
            Content::Packed(compression) => compression,
            Content::Other { what, cure } => return Err(FormError::Other { what, cure }),
            Content::Workbook => Compression::None,
            Content::Text(_) => Compression::of(name),
        };
        if let Some(window) = zstd_window(stored)
            && window > MAX_WINDOW
        {
            return Err(FormError::Window(window));
        }
        let mut unpacked = Vec::new();
        let beginning = match compression {
            Compression::None => first_bytes(stored),
            // What can't be unpacked is an error when the list is read.
            Compression::Gzip => unpack(GzipDecoder::new(stored), &mut unpacked).await,
            Compression::Zstd => unpack(ZstdDecoder::new(stored), &mut unpacked).await,
        };
        let said = campaign.format.or_else(|| Format::of(name));
        let (format, encoding) = match Content::of(beginning) {
            Content::Other { what, cure } => return Err(FormError::Other { what, cure }),
            Content::Packed(_) => return Err(FormError::PackedTwice),
            Content::Workbook => match campaign.format {
                None | Some(Format::Xlsx) => (Format::Xlsx, Encoding::UTF_8),
                Some(Format::Csv | Format::Ndjson) => return Err(FormError::IsWorkbook),
            },
            Content::Text(_) if said == Some(Format::Xlsx) => return Err(FormError::NoWorkbook),
            Content::Text(found) => {
                let encoding = encoding(found, campaign.encoding)?;
                let format = said.unwrap_or_else(|| {
                    Format::of_text(&Transcoder::new(encoding).transcode(beginning, false))
                });
                (format, encoding)
            }
        };
        Ok(Self {
            compression,
            format,
            encoding,
            sheet: campaign.sheet.clone(),
        })
    }

    /// Whether the list can be entered in the middle. Otherwise it is read from its beginning.
    pub(crate) fn has_places(&self) -> bool {
        self.compression == Compression::None
            && self.format != Format::Xlsx
            && self.encoding.is_utf8()
    }
}

/// A larger window of zstd is not taken: so many bytes would be held in memory.
const MAX_WINDOW: u64 = 128 * MIB;
const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

fn in_units(bytes: u64) -> String {
    if bytes >= GIB {
        format!("{} GiB", bytes.div_ceil(GIB))
    } else {
        format!("{} MiB", bytes.div_ceil(MIB))
    }
}

/// How many bytes back a frame of zstd refers, where it says so.
/// <https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1.1.2>
fn zstd_window(stored: &[u8]) -> Option<u64> {
    const SINGLE_SEGMENT: u8 = 0x20;
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, window, ..] = stored else {
        return None;
    };
    if descriptor & SINGLE_SEGMENT != 0 {
        return None;
    }
    let base = 1_u64 << (10 + (window >> 3));
    Some(base + base / 8 * u64::from(window & 7))
}

fn first_bytes(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.len().min(FIRST_BYTES)).0
}

/// The first bytes of what is packed, as far as they can be unpacked.
async fn unpack(mut decoder: impl AsyncRead + Unpin, bytes: &mut Vec<u8>) -> &[u8] {
    let mut first = [0; FIRST_BYTES];
    while bytes.len() < FIRST_BYTES {
        let Ok(read @ 1..) = decoder.read(&mut first).await else {
            break;
        };
        bytes.extend_from_slice(first.split_at(read).0);
    }
    first_bytes(bytes)
}

/// The encoding of text whose first bytes say `found`, in a campaign that says `given`.
fn encoding(found: Option<Encoding>, given: Option<Encoding>) -> Result<Encoding, FormError> {
    match (found, given) {
        (Some(found), Some(given)) if found != given => Err(FormError::Encoding { found, given }),
        (Some(encoding), _) | (None, Some(encoding)) => Ok(encoding),
        (None, None) => Ok(Encoding::UTF_8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const GZIP: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x2b, 0xc9, 0xe7, 2, 0, 0xe8, 0x87, 9, 0xae, 3, 0, 0, 0,
    ];

    async fn found(name: &str, fields: &Value, stored: &[u8]) -> Result<Form, String> {
        let mut campaign = json!({
            "campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "hi"}],
        });
        for (field, value) in fields.as_object().unwrap() {
            campaign[field] = value.clone();
        }
        let campaign = Campaign::from_value(campaign).unwrap();
        let form = Form::find(name, &campaign, stored).await;
        form.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_first_bytes_win_over_the_name() {
        let utf16: Vec<u8> = "to\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, fields, stored, expected) in [
            ("a.csv", json!({}), &b"to\n"[..], "None Csv UTF-8"),
            ("a.csv", json!({}), b"", "None Csv UTF-8"),
            ("a", json!({}), b"{\"to\":1}", "None Ndjson UTF-8"),
            ("a.csv.gz", json!({}), b"to\n", "Gzip Csv UTF-8"),
            ("a.JSONL", json!({}), b"{", "None Ndjson UTF-8"),
            ("a.csv", json!({}), GZIP, "Gzip Csv UTF-8"),
            ("a", json!({}), GZIP, "Gzip Csv UTF-8"),
            ("a.csv", json!({}), &utf16, "None Csv UTF-16LE"),
            (
                "a.csv",
                json!({"encoding": "big5"}),
                b"to\n\xa4",
                "None Csv Big5",
            ),
            ("a.csv", json!({}), b"PK\x03\x04", "None Xlsx UTF-8"),
            ("a.dat", json!({"format": "csv"}), b"{", "None Csv UTF-8"),
        ] {
            let form = found(name, &fields, stored).await.unwrap();
            let shown = format!("{:?} {:?} {}", form.compression, form.format, form.encoding);
            assert_eq!(shown, expected, "{name} {fields}");
        }
    }

    #[tokio::test]
    async fn what_can_not_be_read_is_named_with_its_cure() {
        for (name, fields, stored, expected) in [
            (
                "a.csv",
                json!({"encoding": "big5"}),
                &b"\xef\xbb\xbfto\n"[..],
                "is in UTF-8 by its first bytes, and the campaign says Big5: take `encoding` out",
            ),
            (
                "a.csv",
                json!({"format": "csv"}),
                b"PK\x03\x04",
                "is a workbook of Excel by its first bytes: take `format` out of the campaign",
            ),
            (
                "a.xlsx",
                json!({}),
                b"to\n",
                "is called a workbook of Excel, and is none: is it CSV with another ending?",
            ),
            (
                "a.csv.gz",
                json!({}),
                b"BZh91AY",
                "is packed with bzip2: pack it with gzip or zstd",
            ),
            (
                "a.csv.zst",
                json!({}),
                b"\x28\xb5\x2f\xfd\0\xa8",
                "needs a window of 2 GiB, and 128 MiB is the most that is taken: \
                 pack it again without `--long`",
            ),
        ] {
            assert_eq!(found(name, &fields, stored).await.unwrap_err(), expected);
        }
    }
}
