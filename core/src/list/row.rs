//! A row's values by column.

use super::error::RowError;
use super::header::Header;
use super::json_row::JsonRow;
use super::names::similar;
use super::place::Place;
use crate::text::{push_json_string, push_member, trim_marks};

/// A row that was read, good or bad.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// Where the row begins.
    pub place: Place,
    /// The row's values, or why it has none.
    pub row: Result<Row<'a>, RowError>,
}

/// One row's values by column.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// A CSV record.
    Csv(CsvRecord<'a>),
    /// A JSON object: a line of NDJSON, or a row of the campaign itself.
    Json(&'a JsonRow),
}

impl<'a> Row<'a> {
    /// The column's text, or `None` where the row lacks the column or holds something else in it.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        match self {
            Self::Csv(record) => record.text(column),
            Self::Json(object) => object.text(column),
        }
    }

    /// The column's text, number, `true` or `false` as the list writes it. `None` where the row
    /// lacks the column, or has `null`, a list or an object in it.
    pub fn written(&self, column: &str) -> Option<&'a str> {
        match self {
            Self::Csv(record) => record.text(column),
            Self::Json(object) => object.written(column),
        }
    }

    /// The column's value as templates calculate with it, or `None` where the row lacks the column
    /// or has `null` in it.
    pub fn value(&self, column: &str) -> Option<minijinja::Value> {
        match self {
            Self::Csv(record) => record.text(column).map(minijinja::Value::from),
            Self::Json(object) => object.value(column),
        }
    }

    /// The row as a JSON object of all its columns, each as the list writes it. A list of NDJSON
    /// with this line has the same row.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        match self {
            Self::Csv(record) => {
                for column in record.header.columns() {
                    if let Some(text) = record.text(column) {
                        push_member(&mut json, column, |json| push_json_string(json, text));
                    }
                }
            }
            Self::Json(object) => object.push_members(&mut json),
        }
        json.push('}');
        json
    }

    /// The column that is likely meant by `column`, which the row lacks. A header was asked before.
    pub fn similar_to(&self, column: &str) -> Option<&'a str> {
        match self {
            Self::Csv(_) => None,
            Self::Json(object) => similar(column, &object.columns()),
        }
    }
}

/// A CSV record. Fields that it lacks at its end are missing values.
#[derive(Debug, Clone, Copy)]
pub struct CsvRecord<'a> {
    header: &'a Header,
    fields: Fields<'a>,
}

impl<'a> CsvRecord<'a> {
    /// The record with these fields. There is nothing in the fields beyond the header, unless the
    /// columns of the row are not those of the header.
    pub(super) fn new(header: &'a Header, fields: Fields<'a>) -> Result<Self, RowError> {
        let (found, expected) = (fields.ends.len(), header.columns().len());
        if found > expected && fields.iter().skip(expected).any(|field| !is_blank(field)) {
            return Err(RowError::Fields { found, expected });
        }
        Ok(Self { header, fields })
    }

    /// The fields in the order of the header's columns. One that the record lacks is empty.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        let (columns, fields) = (self.header.columns().len(), self.fields);
        (0..columns).map(move |index| fields.get(index).unwrap_or_default())
    }

    fn text(&self, column: &str) -> Option<&'a str> {
        let index = self.header.columns().iter().position(|c| c == column)?;
        self.fields.get(index)
    }
}

/// The fields of a record or of the header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    /// All fields, with one separator behind each but the last.
    text: &'a str,
    /// Where each field ends in `text`.
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    /// The fields that end at `ends` in `text`, or `None` where one of them is not UTF-8. The
    /// separators between them are ASCII, so no two fields can be a character together.
    pub(super) fn new(text: &'a [u8], ends: &'a [usize]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        Some(Self { text, ends })
    }

    /// The field with this number, which counts from 0.
    fn get(&self, index: usize) -> Option<&'a str> {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)? + 1,
            None => 0,
        };
        self.text.get(start..*self.ends.get(index)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).map_while(|index| self.get(index))
    }

    /// Whether there is nothing in any field.
    pub(super) fn are_blank(&self) -> bool {
        // Nearly all records begin with an ID.
        !self.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && self.iter().all(is_blank)
    }
}

fn is_blank(field: &str) -> bool {
    trim_marks(field).is_empty()
}
