//! From a campaign's `messages` to a template: everything that can be checked without a row is checked here.

use std::collections::BTreeSet;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use super::{Limit, MessageTemplate, Part, Piece, Pieces, TemplateError};
use crate::channel::Channel;
use crate::line_limits::MAX_MESSAGES;
use crate::s3_uri::S3Uri;
use crate::text::{push_json, push_json_chars, push_json_string, utf16_len};

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
        let may_read_s3 = channel == Channel::LineNotify && messages.iter().any(has_s3_image);
        Ok(compiler.finish(may_read_s3))
    }
}

/// Whether `image_file` is an `s3://` URI, or a template that may become one.
fn has_s3_image(message: &Value) -> bool {
    let image = message.get("image_file").and_then(Value::as_str);
    image.is_some_and(|image| S3Uri::is_meant(image) || is_template(image))
}

fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
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

    fn finish(self, may_read_s3: bool) -> MessageTemplate {
        MessageTemplate {
            parts: self.parts,
            columns: self.columns,
            engine: self.engine,
            may_read_s3,
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
        if !is_template(text) {
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
    use crate::list::Row;
    use crate::template::fill;
    use proptest::prelude::*;
    use serde_json::json;

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
