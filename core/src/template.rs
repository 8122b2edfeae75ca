//! A campaign's messages, made ready to be rendered a million times.
//!
//! Every string of a message may be a template. What is the same for every row is written to JSON
//! once. A string that only puts columns into text is filled in here. minijinja renders the rest.
//!
//! # Layout
//! - `compile`: the messages, from their JSON to `part`s, held against the channel's rules;
//!   `notify`: those of LINE Notify
//! - `names`: which columns a template uses, and whether the engine has all else that it names;
//!   `column`: what a column is called
//! - `tag`, `mistake`: sentences about a template that can't be read
//! - `engine`: minijinja, set up for messages, with its `value`s, its `number`s and its `date`s

mod column;
mod compile;
mod date;
mod engine;
mod error;
mod mistake;
mod names;
mod notify;
mod number;
mod part;
mod tag;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use error::TemplateError;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use minijinja::ErrorKind;
use minijinja::value::ValueKind;
use serde_json::Value;

use crate::channel::Channel;
use crate::line_message::{Problem, RowCheck};
use crate::list::{Header, ListError, Row, RowError};
use crate::s3_uri::S3Uri;
use crate::text::push_json_chars;
use column::Column;
use compile::Compiled;
use engine::TOO_MANY_STEPS;
use names::ROW;
use number::{WRITTEN_NUMBERS, WrittenNumbers};
use part::{Part, TextPart, fill, is_template};
use value::{NoText, spelling, with_doubled_braces};

/// The messages of a campaign, compiled and checked.
#[derive(Debug)]
pub struct MessageTemplate {
    compiled: Compiled,
    may_read_s3: bool,
}

impl MessageTemplate {
    /// Compiles `messages` and checks all that can be checked without a row.
    pub(crate) fn compile(channel: Channel, messages: Value) -> Result<Self, TemplateError> {
        let may_read_s3 = channel == Channel::LineNotify && may_have_s3_image(&messages);
        Ok(Self {
            compiled: Compiled::new(channel, messages)?,
            may_read_s3,
        })
    }

    /// Checks that a list with this header has every column that a template names.
    pub fn check_header(&self, header: &Header) -> Result<(), ListError> {
        let mut possible = self.compiled.possible_columns();
        if let Some((field, column)) = possible.find(|(_, name)| header.has(name)) {
            return Err(ListError::ColumnForm {
                field: field.clone(),
                problem: Column::meant(column),
            });
        }
        for text in self.compiled.texts() {
            if let Some(column) = text.columns.iter().find(|column| !header.has(&column.name)) {
                return Err(header.lacks(&column.name, &text.field));
            }
        }
        Ok(())
    }

    /// The columns that the templates use, each once.
    pub fn columns(&self) -> BTreeSet<&str> {
        let columns = self.compiled.texts().flat_map(|text| &text.columns);
        columns.map(|column| column.name.as_str()).collect()
    }

    /// Whether the consumer may have to read an image from S3: LINE Notify's `image_file`.
    pub fn may_read_s3(&self) -> bool {
        self.may_read_s3
    }

    /// What LINE may refuse in the messages, although no rule that it documents says so.
    pub fn warnings(&self) -> &[Problem] {
        let rules = self.compiled.rules.as_ref();
        rules.map_or(&[], |rules| rules.warnings())
    }

    /// Appends the row's messages to `json`: an array, compact, with its keys in order.
    ///
    /// The same row gives the same bytes on every machine. After an error `json` holds a part of
    /// the array. Messages without an error are ones that LINE takes, as far as it documents them.
    pub fn render(&self, row: &Row<'_>, json: &mut String) -> Result<(), RowError> {
        let start = json.len();
        let mut check = self.compiled.rules.as_ref().map(|rules| rules.row());
        for part in &self.compiled.parts {
            match part {
                Part::Fixed(fixed) => json.push_str(fixed),
                Part::Text(text) => {
                    let from = json.len();
                    match &text.pieces {
                        Some(pieces) => fill(text, pieces, row, json)?,
                        None => self.render_with_engine(text, row, json)?,
                    }
                    check_fragment(check.as_mut(), text, written_since(json, from))?;
                }
            }
        }
        check
            .map_or(Ok(()), |check| check.finish(written_since(json, start)))
            .map_err(refused)
    }

    /// Appends the field's text to `json`.
    fn render_with_engine(
        &self,
        text: &TextPart,
        row: &Row<'_>,
        json: &mut String,
    ) -> Result<(), RowError> {
        let rendered = self
            .compiled
            .engine
            .get_template(&text.field)
            .and_then(|template| template.render(context(text, row)?))
            .map_err(|error| row_error(text, row, &error))?;
        push_json_chars(json, &rendered);
        Ok(())
    }
}

/// What has been written to `json` since it had so many bytes.
fn written_since(json: &str, bytes: usize) -> &str {
    json.split_at(bytes).1
}

fn check_fragment(
    check: Option<&mut RowCheck<'_>>,
    text: &TextPart,
    fragment: &str,
) -> Result<(), RowError> {
    match (check, text.rule) {
        (Some(check), Some(rule)) => check.field(rule, fragment).map_err(refused),
        (Some(_), None) => Ok(()),
        (None, _) => {
            notify::check_fragment(&text.field, fragment).map_err(|problem| text.problem(problem))
        }
    }
}

fn refused(problem: Problem) -> RowError {
    RowError::Message {
        field: problem.property,
        problem: problem.problem,
    }
}

/// The columns of the row that the template uses, as the engine sees them.
fn context(text: &TextPart, row: &Row<'_>) -> Result<minijinja::Value, minijinja::Error> {
    let mut plain = BTreeMap::new();
    let mut in_row = BTreeMap::new();
    let mut numbers = WrittenNumbers::default();
    for column in &text.columns {
        // `null` is a value that is missing.
        let value = row.value(&column.name).filter(|value| !value.is_none());
        let Some(mut value) = value else { continue };
        let written = row.written(&column.name);
        numbers.add(&value, written);
        if column.is_joined {
            value = joinable(column, value, written)?;
        }
        if text.doubles_braces {
            value = with_doubled_braces(value);
        }
        let columns = if column.is_plain {
            &mut plain
        } else {
            &mut in_row
        };
        columns.insert(column.written.as_str(), value);
    }
    if text.columns.iter().any(|column| !column.is_plain) {
        plain.insert(ROW, in_row.into());
    }
    if !numbers.is_empty() {
        plain.insert(WRITTEN_NUMBERS, minijinja::Value::from_object(numbers));
    }
    Ok(plain.into())
}

/// A value that `~` joins to a text. The engine itself would spell `true` as `True`, and `12.50` as
/// `12.5`.
fn joinable(
    column: &Column,
    value: minijinja::Value,
    written: Option<&str>,
) -> Result<minijinja::Value, NoText> {
    let text = spelling(&value)?;
    match value.kind() {
        ValueKind::Bool if column.is_only_joined => Ok(text.into_owned().into()),
        ValueKind::Bool => Err(NoText::Truth),
        ValueKind::Number if column.is_only_joined => Ok(written.map_or(value, Into::into)),
        _ => Ok(value),
    }
}

/// Why the engine can't render the field. Its own words can repeat a value of the row, so only the
/// kind of its error is told.
fn row_error(text: &TextPart, row: &Row<'_>, error: &minijinja::Error) -> RowError {
    let no_text = error
        .source()
        .and_then(|source| source.downcast_ref::<NoText>());
    if let Some(no_text) = no_text {
        return text.error(*no_text);
    }
    if let Some(meant) = text.meant_column(row) {
        return meant;
    }
    if error.kind() == ErrorKind::UndefinedError {
        let is_missing = |column: &&Column| {
            let value = row.value(&column.name);
            value.is_none_or(|value| value.is_none())
        };
        return match text.columns.iter().find(is_missing) {
            Some(column) => RowError::Missing(column.name.clone()),
            None => text.problem("uses a value that the row lacks".into()),
        };
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return text.problem(TOO_MANY_STEPS.into());
    }
    text.problem(format!("can't be rendered: {}", error.kind()))
}

/// Whether `image_file` is an `s3://` URI, or a template that may become one.
fn may_have_s3_image(messages: &Value) -> bool {
    let message = messages.get(0).unwrap_or(messages);
    let image = message.get("image_file").and_then(Value::as_str);
    image.is_some_and(|image| S3Uri::is_meant(image) || is_template(image))
}
