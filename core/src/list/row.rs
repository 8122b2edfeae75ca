//! A row's values by column.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{ListError, RowError};
use super::place::Place;

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
    Json(&'a Map<String, Value>),
}

impl<'a> Row<'a> {
    /// The column's text, or `None` where the row lacks the column or holds something else in it.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        match self {
            Self::Csv(record) => record.text(column),
            Self::Json(object) => object.get(column)?.as_str(),
        }
    }

    /// The column's value as templates see it, or `None` where the row lacks the column.
    pub fn value(&self, column: &str) -> Option<minijinja::Value> {
        match self {
            Self::Csv(record) => record.text(column).map(minijinja::Value::from),
            Self::Json(object) => object
                .get(column)
                .map(|value| minijinja::value::Serde(value).into()),
        }
    }
}

/// The names of a CSV list's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header(Vec<String>);

impl Header {
    /// The columns in their order.
    pub fn columns(&self) -> &[String] {
        &self.0
    }

    /// The header whose names are these fields, without the white space around them.
    pub(super) fn new(fields: Fields<'_>) -> Result<Self, ListError> {
        let mut columns: Vec<String> = Vec::with_capacity(fields.ends.len());
        for name in fields.iter().map(str::trim) {
            if !name.is_empty() && columns.iter().any(|column| column == name) {
                return Err(ListError::TwoColumns(name.into()));
            }
            columns.push(name.into());
        }
        Ok(Self(columns))
    }
}

/// A CSV record: it has as many fields as the header has columns.
#[derive(Debug, Clone, Copy)]
pub struct CsvRecord<'a> {
    header: &'a Header,
    fields: Fields<'a>,
}

impl<'a> CsvRecord<'a> {
    /// The record with these fields, unless the header has another number of columns.
    pub(super) fn new(header: &'a Header, fields: Fields<'a>) -> Result<Self, RowError> {
        let (found, expected) = (fields.ends.len(), header.0.len());
        if found != expected {
            return Err(RowError::Fields { found, expected });
        }
        Ok(Self { header, fields })
    }

    fn text(&self, column: &str) -> Option<&'a str> {
        let index = self.header.0.iter().position(|name| name == column)?;
        self.fields.get(index)
    }
}

/// The fields of a record or of the header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    /// All fields, one behind the other.
    text: &'a str,
    /// Where each field ends in `text`.
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    /// The fields that end at `ends` in `text`, or `None` where one of them is not UTF-8.
    pub(super) fn new(text: &'a [u8], ends: &'a [usize]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        // The end of one field and the beginning of the next can look like a character together.
        let are_whole = ends.iter().all(|&end| text.is_char_boundary(end));
        are_whole.then_some(Self { text, ends })
    }

    /// The field with this number, which counts from 0.
    fn get(&self, index: usize) -> Option<&'a str> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(index)?)
    }

    fn iter(&self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).map_while(|index| self.get(index))
    }
}
