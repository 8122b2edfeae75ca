//! A campaign's messages, made ready to be rendered a million times.
//!
//! Every string of a message may be a template. What never changes is written to JSON once; a string that only drops columns
//! into text is filled in by hand; what is left is minijinja's.

use std::collections::BTreeMap;

use minijinja::Environment;

use crate::list::{Header, ListError, Row, RowError};
use crate::text::{push_json_chars, utf16_len};

mod compile;

/// What is wrong with a campaign's `messages`: one field, one sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The field's path, such as `messages[0].text`.
    pub field: String,
    /// What is wrong, as the sentence's end.
    pub problem: String,
}

/// The messages of a campaign, compiled and checked.
#[derive(Debug)]
pub struct MessageTemplate {
    parts: Vec<Part>,
    /// Each column that a template names, and the first field that names it.
    columns: Vec<(String, String)>,
    engine: Environment<'static>,
    may_read_s3: bool,
}

#[derive(Debug)]
enum Part {
    /// JSON that is the same for everybody.
    Fixed(String),
    /// A string that depends on the row.
    Text {
        field: String,
        limit: Limit,
        pieces: Pieces,
    },
}

#[derive(Debug)]
enum Pieces {
    /// Text and columns by turns.
    Columns(Vec<Piece>),
    /// Anything else: the engine knows it by its field.
    Engine,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text { json: String, utf16: usize },
    Column(String),
}

/// What the channel takes in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    utf16: usize,
    may_be_empty: bool,
    /// Who sets the limit, for the sentence that names it.
    whose: &'static str,
}

impl Limit {
    const NONE: Self = Self {
        utf16: usize::MAX,
        may_be_empty: true,
        whose: "",
    };
    /// <https://developers.line.biz/en/reference/messaging-api/#text-message>
    const TEXT: Self = Self {
        utf16: 5000,
        may_be_empty: false,
        whose: "LINE",
    };
    /// <https://developers.line.biz/en/reference/messaging-api/#flex-message>
    const ALT_TEXT: Self = Self {
        utf16: 1500,
        may_be_empty: false,
        whose: "LINE",
    };
    /// The protocol's "1000 characters"; counted in UTF-16 as LINE counts elsewhere, since its documents give no unit.
    const NOTIFY: Self = Self {
        utf16: 1000,
        may_be_empty: false,
        whose: "LINE Notify",
    };

    fn check(self, utf16: usize) -> Result<(), String> {
        if utf16 == 0 && !self.may_be_empty {
            Err("is empty".into())
        } else if utf16 > self.utf16 {
            Err(format!(
                "has {utf16} UTF-16 code units; {} takes {}",
                self.whose, self.utf16
            ))
        } else {
            Ok(())
        }
    }
}

impl MessageTemplate {
    /// Checks that a list with this header has every column that a template names.
    pub fn check_header(&self, header: &Header) -> Result<(), ListError> {
        for (column, field) in &self.columns {
            if !header.columns().contains(column) {
                return Err(ListError::NoColumn {
                    column: column.clone(),
                    field: field.clone(),
                    present: header.columns().to_vec(),
                });
            }
        }
        Ok(())
    }

    /// Whether the consumer may have to read an object in S3 for this message: LINE Notify's `image_file`.
    pub fn may_read_s3(&self) -> bool {
        self.may_read_s3
    }

    /// Whether every row gets the same.
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Fixed(_)))
    }

    /// Appends the row's messages to `json`: an array, compact, keys in order, the same bytes for the same row on every machine.
    ///
    /// On an error `json` holds an unfinished part.
    pub fn render(&self, row: &Row<'_>, json: &mut String) -> Result<(), RowError> {
        for part in &self.parts {
            match part {
                Part::Fixed(fixed) => json.push_str(fixed),
                Part::Text {
                    field,
                    limit,
                    pieces,
                } => {
                    json.push('"');
                    let utf16 = match pieces {
                        Pieces::Columns(pieces) => fill(pieces, row, json)?,
                        Pieces::Engine => self.engine(field, row, json)?,
                    };
                    json.push('"');
                    limit.check(utf16).map_err(|problem| RowError::Message {
                        field: field.clone(),
                        problem,
                    })?;
                }
            }
        }
        Ok(())
    }

    fn engine(&self, field: &str, row: &Row<'_>, json: &mut String) -> Result<usize, RowError> {
        let context: BTreeMap<&str, minijinja::Value> = self
            .columns
            .iter()
            .filter_map(|(column, _)| Some((column.as_str(), row.value(column)?)))
            .collect();
        // The engine's own words can quote a value, so only the kind of error is passed on.
        let text = self
            .engine
            .get_template(field)
            .and_then(|template| template.render(context))
            .map_err(|error| match error.kind() {
                minijinja::ErrorKind::UndefinedError => self
                    .columns
                    .iter()
                    .find(|(column, _)| row.value(column).is_none())
                    .map_or_else(
                        || RowError::Message {
                            field: field.into(),
                            problem: "uses a value that the row lacks".into(),
                        },
                        |(column, _)| RowError::Missing(column.clone()),
                    ),
                kind => RowError::Message {
                    field: field.into(),
                    problem: format!("can't be rendered: {kind}"),
                },
            })?;
        push_json_chars(json, &text);
        Ok(utf16_len(&text))
    }
}

fn fill(pieces: &[Piece], row: &Row<'_>, json: &mut String) -> Result<usize, RowError> {
    let mut length = 0;
    for piece in pieces {
        match piece {
            Piece::Text { json: text, utf16 } => {
                json.push_str(text);
                length += utf16;
            }
            Piece::Column(column) => {
                if let Some(text) = row.text(column) {
                    push_json_chars(json, text);
                    length += utf16_len(text);
                } else {
                    // A number, a truth value or a list out of NDJSON: shown as minijinja shows it.
                    let value = row
                        .value(column)
                        .ok_or_else(|| RowError::Missing(column.clone()))?;
                    let text = value.to_string();
                    push_json_chars(json, &text);
                    length += utf16_len(&text);
                }
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    use crate::channel::Channel;

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
            json!([{"type": "flex", "altText": "Hi {{ name }}", "contents": {"type": "bubble", "body": [{"uri": "https://x/?c={{code}}"}, 1.5, null]}}]),
        );
        assert_eq!(
            render(&template, &json!({"name": "\"小明\"\n", "code": 7})).unwrap(),
            json!([{"type": "flex", "altText": "Hi \"小明\"\n", "contents": {"type": "bubble", "body": [{"uri": "https://x/?c=7"}, 1.5, null]}}])
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
        let template = compile(
            json!([{"type": "text", "text": "{{ name }} {{ range(3) }}"}, {"type": "text", "text": "{{ code|upper }}"}]),
        );
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
        let whole = json!({"message": "早安 {{ name }}", "image_thumbnail": "https://x/s.jpg", "image_fullsize": "https://x/l.jpg", "sticker_package_id": 446, "sticker_id": "1988"});
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
                "`messages[0].text` is no field of a LINE Notify message",
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
