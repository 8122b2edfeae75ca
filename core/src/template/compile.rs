//! From a campaign's message objects to the parts that are rendered.

use std::collections::BTreeSet;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use super::error::TemplateError;
use super::limit::Limit;
use super::message::message_field;
use super::part::{Content, Part, columns_only, is_template};
use crate::channel::Channel;
use crate::text::{push_json, push_json_string, utf16_len};

/// Messages whose templates are compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) parts: Vec<Part>,
    pub(super) columns: Vec<NamedColumn>,
    /// Knows each template by its field.
    pub(super) engine: Environment<'static>,
}

/// A column that a template names.
#[derive(Debug)]
pub(super) struct NamedColumn {
    pub(super) name: String,
    /// The first field that names it.
    pub(super) field: String,
}

impl Compiled {
    /// Compiles every string of the messages that is a template.
    pub(super) fn new(
        channel: Channel,
        messages: &[Map<String, Value>],
    ) -> Result<Self, TemplateError> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut compiled = Self {
            parts: Vec::new(),
            columns: Vec::new(),
            engine,
        };
        compiled.push_fixed("[");
        for (i, message) in messages.iter().enumerate() {
            if i > 0 {
                compiled.push_fixed(",");
            }
            compiled.push_object(&message_field(i), message, |key| limit(channel, key))?;
        }
        compiled.push_fixed("]");
        Ok(compiled)
    }

    fn push_fixed(&mut self, json: &str) {
        match self.parts.last_mut() {
            Some(Part::Fixed(fixed)) => fixed.push_str(json),
            _ => self.parts.push(Part::Fixed(json.into())),
        }
    }

    fn push_fixed_string(&mut self, text: &str) {
        let mut json = String::new();
        push_json_string(&mut json, text);
        self.push_fixed(&json);
    }

    /// `serde_json` sorts its maps, so the keys come in order.
    fn push_object(
        &mut self,
        field: &str,
        object: &Map<String, Value>,
        limit: impl Fn(&str) -> Limit,
    ) -> Result<(), TemplateError> {
        self.push_fixed("{");
        for (i, (key, value)) in object.iter().enumerate() {
            if i > 0 {
                self.push_fixed(",");
            }
            self.push_fixed_string(key);
            self.push_fixed(":");
            self.push_value(&format!("{field}.{key}"), value, limit(key))?;
        }
        self.push_fixed("}");
        Ok(())
    }

    fn push_array(&mut self, field: &str, items: &[Value]) -> Result<(), TemplateError> {
        self.push_fixed("[");
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push_fixed(",");
            }
            self.push_value(&format!("{field}[{i}]"), item, Limit::NONE)?;
        }
        self.push_fixed("]");
        Ok(())
    }

    fn push_value(
        &mut self,
        field: &str,
        value: &Value,
        limit: Limit,
    ) -> Result<(), TemplateError> {
        match value {
            Value::String(text) if is_template(text) => self.push_template(field, text, limit)?,
            Value::String(text) => {
                limit
                    .check_length(utf16_len(text))
                    .map_err(|problem| TemplateError::new(field, problem))?;
                self.push_fixed_string(text);
            }
            Value::Array(items) => self.push_array(field, items)?,
            Value::Object(object) => self.push_object(field, object, |_| Limit::NONE)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                let mut json = String::new();
                push_json(&mut json, value);
                self.push_fixed(&json);
            }
        }
        Ok(())
    }

    fn push_template(
        &mut self,
        field: &str,
        text: &str,
        limit: Limit,
    ) -> Result<(), TemplateError> {
        for name in self
            .add_to_engine(field, text)
            .map_err(|error| TemplateError::new(field, format!("is not a template: {error}")))?
        {
            if !self.columns.iter().any(|column| column.name == name) {
                let field = field.to_owned();
                self.columns.push(NamedColumn { name, field });
            }
        }
        self.parts.push(Part::Text {
            field: field.to_owned(),
            limit,
            content: columns_only(text).map_or(Content::Engine, Content::Pieces),
        });
        Ok(())
    }

    /// Adds a template to the engine, and returns the columns that it names.
    fn add_to_engine(
        &mut self,
        field: &str,
        text: &str,
    ) -> Result<BTreeSet<String>, minijinja::Error> {
        self.engine
            .add_template_owned(field.to_owned(), text.to_owned())?;
        let named = self.engine.get_template(field)?.undeclared_variables(false);
        let globals: BTreeSet<&str> = self.engine.globals().map(|(name, _)| name).collect();
        let is_column = |name: &String| !globals.contains(name.as_str());
        Ok(named.into_iter().filter(is_column).collect())
    }
}

/// What the channel takes in this field of a message.
fn limit(channel: Channel, key: &str) -> Limit {
    match (channel, key) {
        (Channel::Line, "text") => Limit::TEXT,
        (Channel::Line, "altText") => Limit::ALT_TEXT,
        (Channel::LineNotify, "message") => Limit::NOTIFY,
        _ => Limit::NONE,
    }
}
