//! A campaign's messages, made ready to be rendered a million times.
//!
//! Every string of a message may be a template. What never changes is written to JSON once; a string that only drops columns
//! into text is filled in by hand; what is left is minijinja's.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use crate::campaign::Channel;
use crate::list::{Header, ListError, Row, RowError};
use crate::text::{push_json, push_json_chars, push_json_string, utf16_len};

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

/// LINE takes 1 to 5 message objects in a request. <https://developers.line.biz/en/reference/messaging-api/#send-push-message>
const MAX_MESSAGES: usize = 5;

/// The fields of a LINE Notify message. <https://hackmd.io/@pclin/ryoT9RHrw> (a copy of the official table)
const NOTIFY_FIELDS: [&str; 6] = [
    "message",
    "image_thumbnail",
    "image_fullsize",
    "image_file",
    "sticker_package_id",
    "sticker_id",
];

impl MessageTemplate {
    /// Compiles `messages` and checks all that can be checked without a row.
    pub fn compile(channel: Channel, messages: Value) -> Result<Self, TemplateError> {
        let messages = match (channel, messages) {
            (Channel::LineNotify, Value::Object(message)) => vec![Value::Object(message)],
            (_, Value::Array(messages)) => messages,
            _ => return Err(error("messages", "is not a list of message objects")),
        };
        match (channel, messages.len()) {
            (Channel::Line, 1..=MAX_MESSAGES) | (Channel::LineNotify, 1) => {}
            (Channel::Line, n) => {
                return Err(error(
                    "messages",
                    format!("has {n} messages; LINE takes 1 to {MAX_MESSAGES} in a request"),
                ));
            }
            (Channel::LineNotify, n) => {
                return Err(error(
                    "messages",
                    format!("has {n} messages; LINE Notify takes 1"),
                ));
            }
        }
        let mut compiler = Compiler::new();
        compiler.fixed("[");
        for (i, message) in messages.iter().enumerate() {
            let field = format!("messages[{i}]");
            let Value::Object(message) = message else {
                return Err(error(field, "is not a message object"));
            };
            match channel {
                Channel::Line => check_line(&field, message)?,
                Channel::LineNotify => check_notify(&field, message)?,
            }
            if i > 0 {
                compiler.fixed(",");
            }
            compiler.object(channel, &field, message, true)?;
        }
        compiler.fixed("]");
        Ok(compiler.finish())
    }

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

fn error(field: impl Into<String>, problem: impl Into<String>) -> TemplateError {
    TemplateError {
        field: field.into(),
        problem: problem.into(),
    }
}

fn check_line(field: &str, message: &Map<String, Value>) -> Result<(), TemplateError> {
    match message.get("type") {
        None => Err(error(format!("{field}.type"), "is missing")),
        Some(Value::String(kind)) if matches!(kind.as_str(), "text" | "textV2") => {
            match message.get("text") {
                None => Err(error(format!("{field}.text"), "is missing")),
                Some(Value::String(_)) => Ok(()),
                Some(_) => Err(error(format!("{field}.text"), "is not a text")),
            }
        }
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(error(format!("{field}.type"), "is not a text")),
    }
}

fn check_notify(field: &str, message: &Map<String, Value>) -> Result<(), TemplateError> {
    if let Some(unknown) = message
        .keys()
        .find(|key| !NOTIFY_FIELDS.contains(&key.as_str()))
    {
        return Err(error(
            format!("{field}.{unknown}"),
            format!(
                "is no field of a LINE Notify message: {}",
                NOTIFY_FIELDS.join(", ")
            ),
        ));
    }
    for (key, value) in message {
        let fits = value.is_string() || (key.starts_with("sticker") && value.is_u64());
        if !fits {
            return Err(error(format!("{field}.{key}"), "is not a text"));
        }
    }
    if !message.contains_key("message") {
        return Err(error(format!("{field}.message"), "is missing"));
    }
    for [one, other] in [
        ["image_thumbnail", "image_fullsize"],
        ["sticker_package_id", "sticker_id"],
    ] {
        for [present, absent] in [[one, other], [other, one]] {
            if message.contains_key(present) && !message.contains_key(absent) {
                return Err(error(
                    format!("{field}.{absent}"),
                    format!("is missing: LINE Notify takes it together with `{present}`"),
                ));
            }
        }
    }
    Ok(())
}

struct Compiler {
    parts: Vec<Part>,
    columns: Vec<(String, String)>,
    engine: Environment<'static>,
}

impl Compiler {
    fn new() -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        Self {
            parts: Vec::new(),
            columns: Vec::new(),
            engine,
        }
    }

    fn finish(self) -> MessageTemplate {
        MessageTemplate {
            parts: self.parts,
            columns: self.columns,
            engine: self.engine,
        }
    }

    fn fixed(&mut self, json: &str) {
        match self.parts.last_mut() {
            Some(Part::Fixed(fixed)) => fixed.push_str(json),
            _ => self.parts.push(Part::Fixed(json.into())),
        }
    }

    fn fixed_string(&mut self, text: &str) {
        let mut json = String::new();
        push_json_string(&mut json, text);
        self.fixed(&json);
    }

    /// `serde_json`'s map is sorted, so the keys come in order.
    fn object(
        &mut self,
        channel: Channel,
        field: &str,
        object: &Map<String, Value>,
        is_message: bool,
    ) -> Result<(), TemplateError> {
        self.fixed("{");
        for (i, (key, value)) in object.iter().enumerate() {
            if i > 0 {
                self.fixed(",");
            }
            self.fixed_string(key);
            self.fixed(":");
            let limit = match (channel, key.as_str()) {
                (Channel::Line, "text") if is_message => Limit::TEXT,
                (Channel::Line, "altText") if is_message => Limit::ALT_TEXT,
                (Channel::LineNotify, "message") => Limit::NOTIFY,
                _ => Limit::NONE,
            };
            self.value(channel, &format!("{field}.{key}"), value, limit)?;
        }
        self.fixed("}");
        Ok(())
    }

    fn value(
        &mut self,
        channel: Channel,
        field: &str,
        value: &Value,
        limit: Limit,
    ) -> Result<(), TemplateError> {
        match value {
            Value::String(text) => self.string(field, text, limit),
            Value::Array(items) => {
                self.fixed("[");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.fixed(",");
                    }
                    self.value(channel, &format!("{field}[{i}]"), item, Limit::NONE)?;
                }
                self.fixed("]");
                Ok(())
            }
            Value::Object(object) => self.object(channel, field, object, false),
            plain => {
                let mut json = String::new();
                push_json(&mut json, plain);
                self.fixed(&json);
                Ok(())
            }
        }
    }

    fn string(&mut self, field: &str, text: &str, limit: Limit) -> Result<(), TemplateError> {
        if !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            limit
                .check(utf16_len(text))
                .map_err(|problem| error(field, problem))?;
            self.fixed_string(text);
            return Ok(());
        }
        let invalid = |e: minijinja::Error| error(field, format!("is not a template: {e}"));
        self.engine
            .add_template_owned(field.to_owned(), text.to_owned())
            .map_err(invalid)?;
        let named = self
            .engine
            .get_template(field)
            .map_err(invalid)?
            .undeclared_variables(false);
        let globals: BTreeSet<&str> = self.engine.globals().map(|(name, _)| name).collect();
        let named: BTreeSet<String> = named
            .into_iter()
            .filter(|name| !globals.contains(name.as_str()))
            .collect();
        for column in named {
            if !self.columns.iter().any(|(known, _)| *known == column) {
                self.columns.push((column, field.to_owned()));
            }
        }
        let pieces = columns_only(text).map_or(Pieces::Engine, Pieces::Columns);
        self.parts.push(Part::Text {
            field: field.to_owned(),
            limit,
            pieces,
        });
        Ok(())
    }
}

/// Words that stand in braces like a column and mean something else to the engine.
const RESERVED: [&str; 13] = [
    "true", "false", "none", "True", "False", "None", "loop", "self", "super", "caller", "varargs",
    "kwargs", "not",
];

/// The pieces of a template that only drops columns into text, which is nearly every one; `None` for any other.
fn columns_only(template: &str) -> Option<Vec<Piece>> {
    // The engine drops one line end at a template's end.
    if template.contains("{%") || template.contains("{#") || template.ends_with(['\n', '\r']) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}")?;
        let column = inside.trim_matches(' ');
        let mut bytes = column.bytes();
        let is_name = bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name || RESERVED.contains(&column) {
            return None;
        }
        pieces.extend(text_piece(before));
        pieces.push(Piece::Column(column.to_owned()));
        rest = behind;
    }
    pieces.extend(text_piece(rest));
    Some(pieces)
}

fn text_piece(text: &str) -> Option<Piece> {
    let mut json = String::new();
    push_json_chars(&mut json, text);
    (!text.is_empty()).then(|| Piece::Text {
        json,
        utf16: utf16_len(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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

    proptest! {
        /// The hand-made way must be the engine's way, or a template would change its meaning by growing a filter.
        #[test]
        fn columns_dropped_into_text_read_as_the_engine_renders_them(
            texts in prop::collection::vec("[a-z{}%#早\"\\\\\n -]{0,5}", 1..4),
            columns in prop::collection::vec(prop_oneof![Just("{{ a }}"), Just("{{b}}"), Just("{{  a}}"), Just("{{ true }}"), Just("{{- a }}")], 0..4),
            a in "\\PC{0,4}", b in "[\"\\\\\u{fffe}\n a-z]{0,4}",
        ) {
            let mut source = String::new();
            for (text, column) in texts.iter().zip(columns.iter().chain([&""; 4])) {
                source.push_str(text);
                source.push_str(column);
            }
            let Some(pieces) = columns_only(&source) else { return Ok(()) };
            let row = json!({"a": a, "b": b});
            let mut engine = Environment::new();
            engine.set_undefined_behavior(UndefinedBehavior::Strict);
            let expected = engine.render_str(&source, minijinja::value::Serde(&row)).unwrap();
            let mut json = String::from("\"");
            let length = fill(&pieces, &Row::Json(row.as_object().unwrap()), &mut json).unwrap();
            json.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), &*expected);
            prop_assert_eq!(length, utf16_len(&expected));
        }
    }
}
