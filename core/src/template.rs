//! A campaign's messages, made ready to be rendered a million times.
//!
//! Every string of a message may be a template. What is the same for every row is written to JSON
//! once. A string that only puts columns into text is filled in here. minijinja renders the rest.

mod compile;
mod error;
mod limit;
mod message;
mod part;

pub(crate) use error::TemplateError;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::channel::Channel;
use crate::list::{Header, ListError, Row, RowError};
use crate::s3_uri::S3Uri;
use crate::text::{push_json_chars, utf16_len};
use compile::Compiled;
use message::message_objects;
use part::{Content, Part, fill, is_template};

/// The messages of a campaign, compiled and checked.
#[derive(Debug)]
pub struct MessageTemplate {
    compiled: Compiled,
    may_read_s3: bool,
}

impl MessageTemplate {
    /// Compiles `messages` and checks all that can be checked without a row.
    pub(crate) fn compile(channel: Channel, messages: Value) -> Result<Self, TemplateError> {
        let messages = message_objects(channel, messages)?;
        Ok(Self {
            compiled: Compiled::new(channel, &messages)?,
            may_read_s3: channel == Channel::LineNotify && messages.iter().any(may_have_s3_image),
        })
    }

    /// Checks that a list with this header has every column that a template names.
    pub fn check_header(&self, header: &Header) -> Result<(), ListError> {
        for column in &self.compiled.columns {
            if !header.columns().contains(&column.name) {
                return Err(ListError::NoColumn {
                    column: column.name.clone(),
                    field: column.field.clone(),
                    present: header.columns().to_vec(),
                });
            }
        }
        Ok(())
    }

    /// Whether the consumer may have to read an image from S3: LINE Notify's `image_file`.
    pub fn may_read_s3(&self) -> bool {
        self.may_read_s3
    }

    /// Appends the row's messages to `json`: an array, compact, with its keys in order.
    ///
    /// The same row gives the same bytes on every machine. After an error `json` holds a part of
    /// the array.
    pub fn render(&self, row: &Row<'_>, json: &mut String) -> Result<(), RowError> {
        for part in &self.compiled.parts {
            match part {
                Part::Fixed(fixed) => json.push_str(fixed),
                Part::Text {
                    field,
                    limit,
                    content,
                } => {
                    json.push('"');
                    let utf16 = match content {
                        Content::Pieces(pieces) => fill(pieces, row, json)?,
                        Content::Engine => self.render_with_engine(field, row, json)?,
                    };
                    json.push('"');
                    limit
                        .check_length(utf16)
                        .map_err(|problem| RowError::Message {
                            field: field.clone(),
                            problem,
                        })?;
                }
            }
        }
        Ok(())
    }

    /// Appends the field's text to `json`, and returns its length.
    fn render_with_engine(
        &self,
        field: &str,
        row: &Row<'_>,
        json: &mut String,
    ) -> Result<usize, RowError> {
        let columns = self.compiled.columns.iter().map(|column| &*column.name);
        let context: BTreeMap<&str, minijinja::Value> = columns
            .filter_map(|column| Some((column, row.value(column)?)))
            .collect();
        let text = self
            .compiled
            .engine
            .get_template(field)
            .and_then(|template| template.render(context))
            .map_err(|error| self.row_error(field, row, error.kind()))?;
        push_json_chars(json, &text);
        Ok(utf16_len(&text))
    }

    /// Why the engine can't render the field. Its own words can repeat a value of the row, so only
    /// the kind of its error is told.
    fn row_error(&self, field: &str, row: &Row<'_>, kind: minijinja::ErrorKind) -> RowError {
        let problem = if kind == minijinja::ErrorKind::UndefinedError {
            let mut columns = self.compiled.columns.iter().map(|column| &column.name);
            if let Some(column) = columns.find(|column| row.value(column).is_none()) {
                return RowError::Missing(column.clone());
            }
            "uses a value that the row lacks".into()
        } else {
            format!("can't be rendered: {kind}")
        };
        RowError::Message {
            field: field.into(),
            problem,
        }
    }
}

/// Whether `image_file` is an `s3://` URI, or a template that may become one.
fn may_have_s3_image(message: &Map<String, Value>) -> bool {
    let image = message.get("image_file").and_then(Value::as_str);
    image.is_some_and(|image| S3Uri::is_meant(image) || is_template(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compile(messages: Value) -> MessageTemplate {
        MessageTemplate::compile(Channel::Line, messages).unwrap()
    }

    fn render(template: &MessageTemplate, row: &Value) -> Result<Value, RowError> {
        let mut json = String::new();
        template.render(&Row::Json(row.as_object().unwrap()), &mut json)?;
        Ok(serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn every_string_of_a_message_may_be_a_template() {
        let template = compile(
            json!([{"type": "flex", "altText": "Hi {{ name }}", "contents": {
                "type": "bubble", "body": [{"uri": "https://x/?c={{code}}"}, 1.5, null],
            }}]),
        );
        assert_eq!(
            render(&template, &json!({"name": "\"小明\"\n", "code": 7})).unwrap(),
            json!([{"type": "flex", "altText": "Hi \"小明\"\n", "contents": {
                "type": "bubble", "body": [{"uri": "https://x/?c=7"}, 1.5, null],
            }}])
        );
    }

    #[test]
    fn the_engine_takes_what_is_more_than_columns() {
        let template = compile(
            json!([{"type": "text", "text": "{% if vip %}★ {% endif %}{{ name | upper }}"}]),
        );
        assert_eq!(
            render(&template, &json!({"vip": true, "name": "ann"})).unwrap()[0]["text"],
            "★ ANN"
        );
        assert_eq!(
            render(&template, &json!({"vip": false, "name": "bob"})).unwrap()[0]["text"],
            "BOB"
        );
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        for text in [
            "Hi {{ name }}",
            "Hi {{ name | upper }}",
            "{% if name %}x{% endif %}",
        ] {
            let template = compile(json!([{"type": "text", "text": text}]));
            assert_eq!(
                render(&template, &json!({"to": "U1"})),
                Err(RowError::Missing("name".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_column_that_the_list_lacks_is_named_with_its_field() {
        let template = compile(json!([
            {"type": "text", "text": "{{ name }} {{ range(3) }}"},
            {"type": "text", "text": "{{ code|upper }}"},
        ]));
        let reader = |list: &[u8]| {
            let mut reader = crate::list::ListReader::new(crate::list::Format::Csv);
            assert!(reader.next(&mut &*list, true).unwrap().is_none());
            reader.header().cloned().unwrap()
        };
        assert_eq!(template.check_header(&reader(b"to,name,code\n")), Ok(()));
        let error = template.check_header(&reader(b"to,name\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: no column `code`, which `messages[1].text` names; the columns are `to`, `name`"
        );
    }

    #[test]
    fn the_length_is_checked_once_rendered() {
        let template = compile(json!([{"type": "text", "text": "a{{ name }}"}]));
        assert!(render(&template, &json!({"name": "🎄".repeat(2499)})).is_ok());
        let error = render(&template, &json!({"name": "🎄".repeat(2500)})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`messages[0].text` has 5001 UTF-16 code units; LINE takes 5000"
        );
        let empty = compile(json!([{"type": "text", "text": "{{ name }}"}]));
        assert_eq!(
            render(&empty, &json!({"name": ""}))
                .unwrap_err()
                .to_string(),
            "`messages[0].text` is empty"
        );
    }

    #[test]
    fn line_notify_takes_its_own_fields_and_pairs() {
        let whole = json!({
            "message": "早安 {{ name }}",
            "image_thumbnail": "https://x/s.jpg",
            "image_fullsize": "https://x/l.jpg",
            "sticker_package_id": 446,
            "sticker_id": "1988",
        });
        for messages in [json!([whole]), whole.clone()] {
            let template = MessageTemplate::compile(Channel::LineNotify, messages).unwrap();
            assert_eq!(
                render(&template, &json!({"name": "Ann"})).unwrap()[0]["message"],
                "早安 Ann"
            );
        }
        for (messages, sentence) in [
            (
                json!([whole, whole]),
                "`messages` has 2 messages; LINE Notify takes 1",
            ),
            (
                json!([{"text": "hi"}]),
                "`messages[0].text` is not a field of a LINE Notify message",
            ),
            (
                json!([{"image_file": "x.png"}]),
                "`messages[0].message` is missing",
            ),
            (json!([{"message": ""}]), "`messages[0].message` is empty"),
            (
                json!([{"message": "x".repeat(1001)}]),
                "`messages[0].message` has 1001 UTF-16 code units; LINE Notify takes 1000",
            ),
            (
                json!([{"message": "hi", "image_fullsize": "https://x/l.jpg"}]),
                "`messages[0].image_thumbnail` is missing",
            ),
            (
                json!([{"message": "hi", "sticker_id": 1}]),
                "`messages[0].sticker_package_id` is missing",
            ),
            (
                json!([{"message": 5}]),
                "`messages[0].message` is not a text",
            ),
        ] {
            let error = MessageTemplate::compile(Channel::LineNotify, messages).unwrap_err();
            let shown = format!("`{}` {}", error.field, error.problem);
            assert!(shown.starts_with(sentence), "{shown}");
        }
    }
}
