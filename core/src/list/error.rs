//! What can be wrong with a list, and with one of its rows.

use super::place::Place;

/// Why the rest of a list can't be read. The fault is not one row's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The list has no header.
    #[error("the list is empty: not even a header")]
    Empty,
    /// The header lacks the column that names the recipient.
    #[error("line 1: no column `{column}`; the columns are {}", in_backticks(.present))]
    NoRecipientColumn {
        /// The column that the channel needs.
        column: &'static str,
        /// The columns that the header has.
        present: Vec<String>,
    },
    /// The header lacks a column that a template names.
    #[error(
        "line 1: no column `{column}`, which `{field}` names; the columns are {}",
        in_backticks(.present)
    )]
    NoColumn {
        /// The column that the template names.
        column: String,
        /// The campaign's field that holds the template.
        field: String,
        /// The columns that the header has.
        present: Vec<String>,
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
    #[error("line 1: two columns are named `{0}`")]
    TwoColumns(String),
    /// The header is not UTF-8.
    #[error("line 1: the header is not UTF-8")]
    HeaderNotUtf8,
    /// A row is longer than 1 MiB.
    #[error("{0} is longer than 1 MiB: is a quote left open?")]
    RowTooLong(Place),
    /// The list ends inside quotes.
    #[error("{0} opens a quote that is never closed")]
    OpenQuote(Place),
}

fn in_backticks(columns: &[String]) -> String {
    columns
        .iter()
        .map(|column| format!("`{column}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why one row can't be sent. It names the column at fault, and never repeats a value of the row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The row has more or fewer fields than the header.
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
    /// The row lacks this column.
    #[error("has no `{0}`")]
    Missing(String),
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
            Self::Message { field, .. } => field,
            Self::NotUtf8 | Self::Fields { .. } | Self::NotAnObject => "",
        }
    }
}
