//! The names of a CSV list's columns.

use serde::{Deserialize, Serialize};

use super::error::ListError;
use super::names::{ColumnNames, similar};

/// The separator of CSV as RFC 4180 has it.
pub(super) const COMMA: u8 = b',';

/// The names of a CSV list's columns, and what separates the fields of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenHeader", into = "WrittenHeader")]
pub struct Header {
    columns: Vec<String>,
    separator: u8,
    /// The line of the list in which it is, for errors. A slice does not have that line.
    line: u64,
}

/// A header in a message of the slice queue. With commas it is only the names.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenHeader {
    Names(Vec<String>),
    Separated { columns: Vec<String>, separator: u8 },
}

impl Header {
    /// The header of these names, as [`column_name`] makes them.
    pub(super) fn new(names: &[String], separator: u8, line: u64) -> Result<Self, ListError> {
        for (i, name) in names.iter().enumerate() {
            let earlier = names.iter().take(i).position(|column| column == name);
            if let Some(earlier) = earlier
                && !name.is_empty()
            {
                return Err(ListError::TwoColumns {
                    line,
                    first: earlier + 1,
                    second: i + 1,
                });
            }
        }
        Ok(Self {
            columns: names.to_vec(),
            separator,
            line,
        })
    }

    /// The columns in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What stands between two fields.
    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// Whether the list has a column of this name.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|present| present == column)
    }

    /// The error of a list that lacks the column that names the recipient.
    pub fn lacks_recipient(&self, column: &'static str) -> ListError {
        ListError::NoRecipientColumn {
            line: self.line,
            column,
            similar: self.similar_to(column),
            present: ColumnNames::new(&self.columns),
        }
    }

    /// The error of a list that lacks a column that the template in `field` names.
    pub fn lacks(&self, column: &str, field: &str) -> ListError {
        ListError::NoColumn {
            line: self.line,
            column: column.to_owned(),
            field: field.to_owned(),
            similar: self.similar_to(column),
            present: ColumnNames::new(&self.columns),
        }
    }

    fn similar_to(&self, column: &str) -> Option<String> {
        similar(column, &self.columns.iter().map(String::as_str)).map(str::to_owned)
    }
}

impl From<WrittenHeader> for Header {
    fn from(written: WrittenHeader) -> Self {
        match written {
            WrittenHeader::Names(columns) => Self {
                columns,
                separator: COMMA,
                line: 1,
            },
            WrittenHeader::Separated { columns, separator } => Self {
                columns,
                separator,
                line: 1,
            },
        }
    }
}

impl From<Header> for WrittenHeader {
    fn from(header: Header) -> Self {
        let Header {
            columns, separator, ..
        } = header;
        match separator {
            COMMA => Self::Names(columns),
            separator => Self::Separated { columns, separator },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::column_name;
    use super::*;

    fn header(names: &[&str], separator: u8) -> Result<Header, ListError> {
        let names: Vec<String> = names.iter().map(|name| column_name(name)).collect();
        Header::new(&names, separator, 1)
    }

    #[test]
    fn a_name_that_is_likely_meant_is_offered() {
        for (column, present, similar) in [
            ("to", &["To", "Name"][..], Some("To")),
            ("to", &["name", "userId"], Some("userId")),
            ("to", &["user_id", "TO"], Some("TO")),
            ("to", &["LINE User ID"], Some("LINE User ID")),
            ("to", &["id", "王小明"], None),
            ("token", &["Access-Token"], Some("Access-Token")),
            ("token", &["userId"], None),
            ("first name", &["First_Name"], Some("First_Name")),
            ("code", &["name"], None),
        ] {
            let header = header(present, COMMA).unwrap();
            assert_eq!(header.similar_to(column).as_deref(), similar);
        }
    }

    #[test]
    fn names_are_trimmed_and_their_accents_composed() {
        let marked = ["\u{feff} to\u{200b}", "cafe\u{301}", "\u{3000}姓 名\u{a0}"];
        assert_eq!(
            header(&marked, COMMA).unwrap().columns(),
            ["to", "café", "姓 名"]
        );
        let twice = header(&["cafe\u{301}", "", "", "café"], COMMA);
        assert_eq!(
            twice.unwrap_err().to_string(),
            "line 1: columns 1 and 4 have the same name: is line 1 a header at all?"
        );
    }

    #[test]
    fn a_header_reads_back_from_the_slice_queue() {
        for separator in *b",;\t|" {
            let header = header(&["to", "name"], separator).unwrap();
            let json = serde_json::to_string(&header).unwrap();
            assert_eq!(serde_json::from_str::<Header>(&json).unwrap(), header);
        }
        let json = serde_json::to_string(&header(&["to", "name"], COMMA).unwrap()).unwrap();
        assert_eq!(json, r#"["to","name"]"#);
    }
}
