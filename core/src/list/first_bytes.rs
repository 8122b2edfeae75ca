//! What the first bytes of a list say about it, whatever its name says.

use super::encoding::Encoding;
use super::format::Compression;

/// So many bytes at the beginning are enough to tell what a list is.
pub const FIRST_BYTES: usize = 4096;

/// What a list is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text. In which encoding, where the bytes leave no doubt.
    Text(Option<Encoding>),
    /// A packed list. It has to be unpacked before more is known.
    Packed(Compression),
    /// A ZIP archive, which a workbook of Excel (`.xlsx`) is.
    Workbook,
    /// Something else, which can't be read.
    Other {
        /// What it is: the end of a sentence.
        what: &'static str,
        /// What to do about it: an order.
        cure: &'static str,
    },
}

const AS_TEXT: &str = "save it as CSV in UTF-8, or as `.xlsx`";
const REPACK: &str = "pack it with gzip or zstd";
const EXPORT: &str = "export it as CSV in UTF-8";

/// How the files of other programs begin, and what to do with them.
const OTHERS: [(&[u8], &str, &str); 13] = [
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "is a workbook of Excel 97 (`.xls`), or one with a password",
        "save it as `.xlsx` without a password, or as CSV in UTF-8",
    ),
    (b"\xff\xfe\0\0", "is in UTF-32", "save it in UTF-8"),
    (b"\0\0\xfe\xff", "is in UTF-32", "save it in UTF-8"),
    (b"BZh", "is packed with bzip2", REPACK),
    (b"\xfd7zXZ\0", "is packed with xz", REPACK),
    (b"7z\xbc\xaf\x27\x1c", "is packed with 7-Zip", REPACK),
    (b"Rar!\x1a\x07", "is packed with RAR", REPACK),
    (b"\x04\x22\x4d\x18", "is packed with LZ4", REPACK),
    (b"PAR1", "is a Parquet file", EXPORT),
    (b"Obj\x01", "is an Avro file", EXPORT),
    (b"SQLite format 3\0", "is an SQLite database", EXPORT),
    (b"%PDF-", "is a PDF document", AS_TEXT),
    (b"{\\rtf", "is an RTF document", AS_TEXT),
];

impl Content {
    /// What a list is that begins with these bytes: the first [`FIRST_BYTES`], or all of it.
    pub fn of(beginning: &[u8]) -> Self {
        let other = OTHERS
            .iter()
            .find(|(magic, ..)| beginning.starts_with(magic));
        if let Some((_, what, cure)) = other {
            return Self::Other { what, cure };
        }
        match beginning {
            [0x1f, 0x8b, ..] => Self::Packed(Compression::Gzip),
            // A frame of data, or one to be skipped.
            // <https://datatracker.ietf.org/doc/html/rfc8878#section-3.1>
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Self::Packed(Compression::Zstd)
            }
            [b'P', b'K', 3, 4, ..] => Self::Workbook,
            [0xff, 0xfe, ..] => Self::Text(Some(Encoding::UTF_16_LE)),
            [0xfe, 0xff, ..] => Self::Text(Some(Encoding::UTF_16_BE)),
            [0xef, 0xbb, 0xbf, ..] => Self::Text(Some(Encoding::UTF_8)),
            _ => of_zeros(beginning),
        }
    }
}

/// Text has no zeros, except UTF-16: every ASCII character has one there, before or behind it.
fn of_zeros(beginning: &[u8]) -> Content {
    let mut zeros = [0, 0];
    for pair in beginning.chunks(2) {
        for (zeros, byte) in zeros.iter_mut().zip(pair) {
            *zeros += usize::from(*byte == 0);
        }
    }
    let [even, odd] = zeros;
    // One zero by mistake does not make another encoding. IDs alone are 33 ASCII characters a row.
    if (even + odd) * 8 < beginning.len() || even + odd == 0 {
        return Content::Text(None);
    }
    if odd > even * 3 {
        Content::Text(Some(Encoding::UTF_16_LE))
    } else if even > odd * 3 {
        Content::Text(Some(Encoding::UTF_16_BE))
    } else {
        Content::Other {
            what: "is no text: it has zero bytes",
            cure: AS_TEXT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_list_is_known_by_its_first_bytes() {
        let text = "姓名,to\r\n一二三,U4af4980629f0c1d2e3f4a5b6c7d8e9fa\r\n";
        for (bytes, content) in [
            (b"to,name\n".to_vec(), Content::Text(None)),
            (text.as_bytes().to_vec(), Content::Text(None)),
            (Vec::new(), Content::Text(None)),
            (
                b"\xef\xbb\xbfto".to_vec(),
                Content::Text(Some(Encoding::UTF_8)),
            ),
            (
                utf16(text, u16::to_le_bytes),
                Content::Text(Some(Encoding::UTF_16_LE)),
            ),
            (
                utf16(text, u16::to_be_bytes),
                Content::Text(Some(Encoding::UTF_16_BE)),
            ),
            (
                b"\xff\xfet\0".to_vec(),
                Content::Text(Some(Encoding::UTF_16_LE)),
            ),
            (
                b"\xfe\xff\0t".to_vec(),
                Content::Text(Some(Encoding::UTF_16_BE)),
            ),
            (
                b"to,name\nU1,a\0b\nU2,c, and more of it\n".to_vec(),
                Content::Text(None),
            ),
            (b"\x1f\x8b\x08".to_vec(), Content::Packed(Compression::Gzip)),
            (
                b"\x28\xb5\x2f\xfd".to_vec(),
                Content::Packed(Compression::Zstd),
            ),
            (
                b"\x5e\x2a\x4d\x18".to_vec(),
                Content::Packed(Compression::Zstd),
            ),
            (b"PK\x03\x04".to_vec(), Content::Workbook),
        ] {
            assert_eq!(Content::of(&bytes), content, "{bytes:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for bytes in [
            &b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"[..],
            b"\xff\xfe\0\0t\0\0\0",
            b"t\0\0\0o\0\0\0,\0\0\0",
            b"BZh91AY",
            b"PAR1\x15",
            &[0; 100],
        ] {
            assert!(
                matches!(Content::of(bytes), Content::Other { .. }),
                "{bytes:?}"
            );
        }
    }
}
