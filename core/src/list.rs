//! A recipient list: how it is written, where a row stands in it, and what can be wrong with it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod reader;

pub use reader::ListReader;

/// A longer row could not become a queue message (SQS takes 1 MiB), and is more likely a quote that was never closed.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// How a list is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all: it can be cut into slices.
    None,
    /// `.gz`: one slice.
    Gzip,
    /// `.zst`: one slice.
    Zstd,
}

impl Compression {
    /// What the name's ending says.
    pub fn of(name: &str) -> Self {
        match split_ending(name) {
            (_, "gz") => Self::Gzip,
            (_, "zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl Format {
    /// What the name's ending says, `.gz` and `.zst` set aside; CSV where it says nothing.
    pub fn of(name: &str) -> Self {
        let inner = if Compression::of(name) == Compression::None {
            name
        } else {
            split_ending(name).0
        };
        match split_ending(inner).1 {
            "ndjson" | "jsonl" => Self::Ndjson,
            _ => Self::Csv,
        }
    }
}

fn split_ending(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or((name, ""))
}

/// Where a row stands in the whole list, however it was sliced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The row's number; the first after the header is 1.
    pub row: u64,
    /// The line on which it begins; the list's first is 1.
    pub line: u64,
    /// The byte at which it begins.
    pub byte: u64,
}

impl Place {
    /// The beginning of a list.
    pub const START: Self = Self {
        row: 1,
        line: 1,
        byte: 0,
    };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} (line {})", self.row, self.line)
    }
}

/// Why nothing of a list can be read on: no single row can be blamed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No header, or nothing at all.
    #[error("the list is empty: not even a header")]
    Empty,
    /// The header lacks the column that names the recipient.
    #[error("line 1: no column `{column}`; the columns are {}", names(.present))]
    NoRecipientColumn {
        /// The column the channel needs.
        column: &'static str,
        /// The columns there are.
        present: Vec<String>,
    },
    /// The header lacks a column that a template names.
    #[error("line 1: no column `{column}`, which `{field}` names; the columns are {}", names(.present))]
    NoColumn {
        /// The column that the template names.
        column: String,
        /// The field of the campaign that names it.
        field: String,
        /// The columns there are.
        present: Vec<String>,
    },
    /// Two columns have one name.
    #[error("line 1: two columns are named `{0}`")]
    TwoColumns(String),
    /// The header's bytes are no text.
    #[error("line 1: the header is not UTF-8")]
    HeaderNotUtf8,
    /// A row longer than [`MAX_ROW_BYTES`].
    #[error("{0} is longer than 1 MiB: is a quote left open?")]
    RowTooLong(Place),
    /// The list ends inside quotes.
    #[error("{0} opens a quote that is never closed")]
    OpenQuote(Place),
}

fn names(columns: &[String]) -> String {
    columns
        .iter()
        .map(|column| format!("`{column}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why one row can't be sent. It names a column where one is at fault, and never repeats a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// More or fewer fields than the header has.
    #[error("has {found} fields where the header has {expected}")]
    Fields {
        /// How many the row has.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
    /// A line of NDJSON that is no JSON object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A column that the row lacks.
    #[error("has no `{0}`")]
    Missing(String),
    /// The recipient's column holds something else.
    #[error("`{column}` {problem}")]
    Column {
        /// The column at fault.
        column: String,
        /// What is wrong with it, as the sentence's end.
        problem: String,
    },
    /// A template that can't be rendered with this row.
    #[error("`{field}` {problem}")]
    Message {
        /// The campaign's field that was to be rendered.
        field: String,
        /// What is wrong, as the sentence's end.
        problem: String,
    },
}

impl RowError {
    /// The column at fault, where it is one, or else the campaign's field.
    pub fn column(&self) -> &str {
        match self {
            Self::Missing(column) | Self::Column { column, .. } => column,
            Self::Message { field, .. } => field,
            Self::NotUtf8 | Self::Fields { .. } | Self::NotAnObject => "",
        }
    }
}

/// The names of a CSV list's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header(Vec<String>);

impl Header {
    /// The columns in their order.
    pub fn columns(&self) -> &[String] {
        &self.0
    }

    fn read(text: &[u8], ends: &[usize]) -> Result<Self, ListError> {
        let text = std::str::from_utf8(text).map_err(|_| ListError::HeaderNotUtf8)?;
        let mut columns: Vec<String> = Vec::with_capacity(ends.len());
        for i in 0..ends.len() {
            let name = field(text, ends, i).unwrap_or_default().trim();
            if !name.is_empty() && columns.iter().any(|column| column == name) {
                return Err(ListError::TwoColumns(name.into()));
            }
            columns.push(name.into());
        }
        Ok(Self(columns))
    }
}

fn field<'a>(text: &'a str, ends: &[usize], index: usize) -> Option<&'a str> {
    let end = *ends.get(index)?;
    let start = index
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .copied()
        .unwrap_or(0);
    text.get(start..end)
}

/// One row's values by column.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// A CSV record.
    Csv {
        /// The columns' names.
        header: &'a Header,
        /// All fields, one behind the other.
        text: &'a str,
        /// Where each field ends.
        ends: &'a [usize],
    },
    /// A JSON object: a line of NDJSON, or a row of the campaign itself.
    Json(&'a Map<String, Value>),
}

impl<'a> Row<'a> {
    /// The column's text; `None` where the row lacks it or it is no text.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        match self {
            Self::Csv { header, text, ends } => {
                let index = header.0.iter().position(|name| name == column)?;
                field(text, ends, index)
            }
            Self::Json(object) => object.get(column)?.as_str(),
        }
    }

    /// The column's value as templates see it; `None` where the row lacks it.
    pub fn value(&self, column: &str) -> Option<minijinja::Value> {
        match self {
            Self::Csv { .. } => self.text(column).map(minijinja::Value::from),
            Self::Json(object) => object
                .get(column)
                .map(|value| minijinja::value::Serde(value).into()),
        }
    }
}

/// A row that was read, good or bad.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// Where it stands.
    pub place: Place,
    /// Its values, or why it has none.
    pub row: Result<Row<'a>, RowError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_format_and_packing() {
        for (name, format, packing) in [
            ("friends.csv", Format::Csv, Compression::None),
            ("friends", Format::Csv, Compression::None),
            ("friends.ndjson", Format::Ndjson, Compression::None),
            ("a.b/friends.jsonl.gz", Format::Ndjson, Compression::Gzip),
            ("friends.csv.zst", Format::Csv, Compression::Zstd),
        ] {
            assert_eq!(
                (Format::of(name), Compression::of(name)),
                (format, packing),
                "{name}"
            );
        }
    }
}
