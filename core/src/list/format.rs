//! How a list is written and compressed, as its name says.

use serde::{Deserialize, Serialize};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header. <https://www.rfc-editor.org/rfc/rfc4180>
    Csv,
    /// One JSON object in each line.
    Ndjson,
}

impl Format {
    /// The format that the name's extension says, without `.gz` or `.zst`. Any other name is CSV.
    pub fn of(name: &str) -> Self {
        let inner = match Compression::of(name) {
            Compression::None => name,
            Compression::Gzip | Compression::Zstd => split_extension(name).0,
        };
        match split_extension(inner).1 {
            "ndjson" | "jsonl" => Self::Ndjson,
            _ => Self::Csv,
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
        match split_extension(name).1 {
            "gz" => Self::Gzip,
            "zst" => Self::Zstd,
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
    fn the_extension_tells_format_and_compression() {
        for (name, format, compression) in [
            ("friends.csv", Format::Csv, Compression::None),
            ("friends", Format::Csv, Compression::None),
            ("friends.ndjson", Format::Ndjson, Compression::None),
            ("a.b/friends.jsonl.gz", Format::Ndjson, Compression::Gzip),
            ("friends.csv.zst", Format::Csv, Compression::Zstd),
        ] {
            assert_eq!(
                (Format::of(name), Compression::of(name)),
                (format, compression),
                "{name}"
            );
        }
    }
}
