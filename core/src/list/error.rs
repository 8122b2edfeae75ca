//! What can be wrong with a list, and with one of its rows.

use super::encoding::{Encoding, Guess};
use super::names::{ColumnNames, is_public};
use super::place::Place;

/// Why the rest of a list can't be read. The fault is not one row's.
///
/// No sentence holds a value of line 1: in a list without a header it is a person's. People at a
/// terminal may be shown [`ListError::columns`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The list has no header.
    #[error("the list is empty: not even a header")]
    Empty,
    /// The header lacks the column that names the recipient.
    #[error("line {line}: no column is called `{column}`{}", or_else(.similar.as_deref(), .present))]
    NoRecipientColumn {
        /// The line of the header.
        line: u64,
        /// The column that the channel needs.
        column: &'static str,
        /// The column that is likely meant.
        similar: Option<String>,
        /// The columns that the header has.
        present: ColumnNames,
    },
    /// The header lacks a column that a template names.
    #[error(
        "line {line}: no column is called `{column}`, which `{field}` names{}",
        or_else(.similar.as_deref(), .present)
    )]
    NoColumn {
        /// The line of the header.
        line: u64,
        /// The column that the template names.
        column: String,
        /// The campaign's field that holds the template.
        field: String,
        /// The column that is likely meant.
        similar: Option<String>,
        /// The columns that the header has.
        present: ColumnNames,
    },
    /// A template writes a column in a form that means something else.
    #[error("`{field}` {problem}")]
    ColumnForm {
        /// The campaign's field that holds the template.
        field: String,
        /// What is wrong, and how the column is written: the end of the sentence.
        problem: String,
    },
    /// Two columns have the same name.
    #[error(
        "line {line}: columns {first} and {second} have the same name: is line {line} a header \
         at all?"
    )]
    TwoColumns {
        /// The line of the header.
        line: u64,
        /// The number of one column. The first column is 1.
        first: usize,
        /// The number of the other column.
        second: usize,
    },
    /// The header is no text in the list's encoding.
    #[error("line {line}: the header {}", .problem)]
    HeaderNotText {
        /// The line of the header.
        line: u64,
        /// What is wrong with it.
        problem: NotText,
    },
    /// A quote in the header is not closed where its field ends.
    #[error("line {0}: the header opens a quote and does not close it at the end of its field")]
    HeaderQuote(u64),
    /// The header is far too long to be one.
    #[error("line {0} is too long to be a header: is the list a CSV list at all?")]
    HeaderTooLong(u64),
    /// The list begins with a JSON object or array.
    #[error(
        "line {0} is JSON and no header of CSV: call the list `.ndjson`, or add \
         `\"format\": \"ndjson\"` to the campaign"
    )]
    Json(u64),
    /// The list is one JSON array.
    #[error(
        "line {0} begins a JSON array: write one object a line instead, without brackets around \
         them and without commas between them (NDJSON)"
    )]
    JsonArray(u64),
    /// The list is a page or another document in HTML or XML.
    #[error("line {0} is HTML or XML and no header of CSV: export the list as CSV in UTF-8")]
    Markup(u64),
    /// A row is longer than 1 MiB.
    #[error("{0} is longer than 1 MiB: is a quote left open?")]
    RowTooLong(Place),
    /// The list ends inside quotes.
    #[error("{0} opens a quote that is never closed")]
    OpenQuote(Place),
    /// Something follows on a closing quote.
    #[error(
        "{0} opens a quote that is not closed at the end of its field, so nobody can know where \
         the rows end: a field with quotes in it needs quotes around it, and each quote in it \
         twice"
    )]
    StrayQuote(Place),
    /// A quoted field goes on over lines that look like rows.
    #[error(
        "{0} opens a quote that is closed only in a line below, and between them are lines that \
         look like rows: they would be lost. Close the quote, or take it out"
    )]
    QuotedRows(Place),
}

impl ListError {
    /// The columns in line 1 in a sentence, where the error is about them and none of them looks
    /// like a value of a person.
    pub fn columns(&self) -> Option<String> {
        match self {
            Self::NoRecipientColumn { column, .. } if !is_public(column) => None,
            Self::NoRecipientColumn { present, .. } | Self::NoColumn { present, .. } => {
                present.shown()
            }
            _ => None,
        }
    }
}

/// The end of a sentence about a column that is missing.
fn or_else(similar: Option<&str>, present: &ColumnNames) -> String {
    match (similar, present.count()) {
        (Some(similar), _) => format!("; do you mean `{similar}`?"),
        (None, 1) => "; the line has 1 column: is it a header at all?".into(),
        (None, count) => format!("; the line has {count} columns: is it a header at all?"),
    }
}

/// Bytes that are no text in the encoding of their list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not {encoding}{}", cure(*.encoding, *.likely))]
pub struct NotText {
    /// The encoding of the list.
    pub encoding: Encoding,
    /// The encoding that it looks like.
    pub likely: Option<Encoding>,
}

impl NotText {
    /// The error of these bytes, in a list of this encoding.
    pub(super) fn new(encoding: Encoding, guess: &mut Guess, bytes: &[u8]) -> Self {
        Self {
            encoding,
            likely: encoding.is_utf8().then(|| guess.after(bytes)),
        }
    }
}

fn cure(encoding: Encoding, likely: Option<Encoding>) -> String {
    match likely {
        Some(likely) => format!(
            " and looks like {likely}: add `\"encoding\": \"{}\"` to the campaign, or save the \
             list in UTF-8",
            likely.label()
        ),
        None if encoding.is_utf8() => String::new(),
        None => ": is the list in another encoding than the campaign says?".into(),
    }
}

/// Why one row can't be sent. It names the column at fault, and never repeats a value of the row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row is no text in the list's encoding.
    #[error("{0}")]
    NotText(NotText),
    /// The row has more fields than the header, and there is something in them.
    #[error("has {found} fields where the header has {expected}")]
    Fields {
        /// How many fields the row has.
        found: usize,
        /// How many fields the header has.
        expected: usize,
    },
    /// A line of NDJSON is not a JSON object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A line of NDJSON gives two values to one column.
    #[error("gives two values to one column")]
    TwoValues,
    /// The row lacks this column.
    #[error("has no `{0}`")]
    Missing(String),
    /// The row lacks the column that names the recipient, and has one that is likely meant.
    #[error("has no `{column}`; do you mean `{similar}`?")]
    MissingRecipient {
        /// The column that the channel needs.
        column: &'static str,
        /// The column that is likely meant.
        similar: String,
    },
    /// The column that names the recipient does not hold one.
    #[error("`{column}` {problem}")]
    Column {
        /// The column at fault.
        column: String,
        /// What is wrong with it: the end of the sentence.
        problem: String,
    },
    /// A message can't be rendered with this row.
    #[error("`{field}` {problem}")]
    Message {
        /// The campaign's field that holds the template.
        field: String,
        /// What is wrong: the end of the sentence.
        problem: String,
    },
}

impl RowError {
    /// The column at fault, or the campaign's field, or nothing where the whole row is at fault.
    pub fn column(&self) -> &str {
        match self {
            Self::Missing(column) | Self::Column { column, .. } => column,
            Self::MissingRecipient { column, .. } => column,
            Self::Message { field, .. } => field,
            Self::NotText(_) | Self::Fields { .. } | Self::NotAnObject | Self::TwoValues => "",
        }
    }
}
