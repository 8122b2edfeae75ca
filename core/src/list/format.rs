//! How a list is written and compressed, as its name says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header. <https://www.rfc-editor.org/rfc/rfc4180>
    Csv,
    /// One JSON object in each line.
    Ndjson,
    /// A workbook of Excel. One sheet of it is the list.
    Xlsx,
}

impl Format {
    /// The format that the name's extension says, without `.gz` or `.zst`. `None` where it says
    /// none. An extension has no case.
    pub fn of(name: &str) -> Option<Self> {
        let inner = match Compression::of(name) {
            Compression::None => name,
            Compression::Gzip | Compression::Zstd => split_extension(name).0,
        };
        match &*split_extension(inner).1.to_ascii_lowercase() {
            "csv" | "tsv" | "tab" => Some(Self::Csv),
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "xlsx" | "xlsm" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// The format of text that begins so, for a list whose name says nothing.
    pub fn of_text(beginning: &[u8]) -> Self {
        let text = beginning
            .utf8_chunks()
            .next()
            .map_or("", |chunk| chunk.valid());
        if text
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('{')
        {
            Self::Ndjson
        } else {
            Self::Csv
        }
    }
}

/// How a list is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not compressed: the list can be cut into slices.
    None,
    /// `.gz`: the list is one slice.
    Gzip,
    /// `.zst`: the list is one slice.
    Zstd,
}

impl Compression {
    /// The compression that the name's extension says.
    pub fn of(name: &str) -> Self {
        match &*split_extension(name).1.to_ascii_lowercase() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// The name and its extension, which is empty where the name has none.
fn split_extension(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or((name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_tells_the_format_where_the_name_does_not() {
        for (text, format) in [
            (&b"{\"to\":\"U1\"}"[..], Format::Ndjson),
            (b"\xef\xbb\xbf\n  {", Format::Ndjson),
            (b"to,name\n", Format::Csv),
            (b"", Format::Csv),
            (b"\xa4", Format::Csv),
        ] {
            assert_eq!(Format::of_text(text), format, "{text:?}");
        }
    }

    #[test]
    fn the_extension_tells_format_and_compression() {
        for (name, format, compression) in [
            ("friends.csv", Some(Format::Csv), Compression::None),
            ("friends", None, Compression::None),
            ("friends.txt", None, Compression::None),
            ("friends.TSV", Some(Format::Csv), Compression::None),
            ("friends.ndjson", Some(Format::Ndjson), Compression::None),
            ("friends.JSONL", Some(Format::Ndjson), Compression::None),
            (
                "a.b/friends.jsonl.gz",
                Some(Format::Ndjson),
                Compression::Gzip,
            ),
            ("FRIENDS.CSV.GZ", Some(Format::Csv), Compression::Gzip),
            ("friends.csv.Zst", Some(Format::Csv), Compression::Zstd),
            ("friends.gz", None, Compression::Gzip),
            ("Friends.XLSX", Some(Format::Xlsx), Compression::None),
        ] {
            assert_eq!(
                (Format::of(name), Compression::of(name)),
                (format, compression),
                "{name}"
            );
        }
    }
}
