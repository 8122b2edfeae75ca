//! From a campaign's message objects to the parts that are rendered.

use minijinja::Environment;
use minijinja::machinery::parse;
use serde_json::{Map, Value};

use super::column::{Column, possible_columns};
use super::engine::{TOO_MANY_STEPS, engine, syntax};
use super::error::TemplateError;
use super::mistake::explain;
use super::names::Names;
use super::part::{Part, TextPart, is_template, pieces, prefix};
use super::value::NoText;
use crate::channel::Channel;
use crate::line_message::{FieldForm, MessageRules};
use crate::text::{push_json, push_json_string};

/// Messages whose templates are compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) parts: Vec<Part>,
    /// LINE's rules. LINE Notify has few, which [`notify`](super::notify) knows.
    pub(super) rules: Option<MessageRules>,
    /// Knows each template by its field.
    pub(super) engine: Environment<'static>,
    constants: Vec<Constant>,
}

/// A template that uses no column, such as `{{ 100 }}`. It may be meant to.
#[derive(Debug)]
struct Constant {
    field: String,
    possible_columns: Vec<String>,
}

impl Compiled {
    /// Compiles every string of the messages that is a template, and checks them as far as they
    /// are the same for every row.
    pub(super) fn new(channel: Channel, messages: Value) -> Result<Self, TemplateError> {
        let messages = match (channel, messages) {
            (Channel::LineNotify, Value::Object(message)) => vec![Value::Object(message)],
            (_, Value::Array(messages)) => messages,
            _ => {
                let problem = "is not a list of message objects";
                return Err(TemplateError::new("messages", problem));
            }
        };
        let mut reader = TreeReader::new(&messages);
        let read: Result<Vec<_>, _> = (0..)
            .zip(messages)
            .map(|(i, message)| reader.value(&format!("messages[{i}]"), message))
            .collect();
        let messages = read?;
        reader.share_names()?;
        let TreeReader {
            mark,
            engine,
            mut texts,
            constants,
            ..
        } = reader;
        let rules = match channel {
            Channel::Line => Some(line_rules(&messages, &mark, &mut texts)?),
            Channel::LineNotify => {
                super::notify::check_messages(&messages, &|text| text.contains(&mark))?;
                None
            }
        };
        let mut writer = PartWriter {
            mark: &mark,
            texts: texts.into_iter().map(Some).collect(),
            parts: Vec::new(),
        };
        writer.array(&messages);
        Ok(Self {
            parts: writer.parts,
            rules,
            engine,
            constants,
        })
    }

    /// The field of every template, with the texts in its tags that may be meant as a column's
    /// name.
    pub(super) fn possible_columns(&self) -> impl Iterator<Item = (&String, &String)> {
        let texts = self
            .texts()
            .map(|text| (&text.field, &text.possible_columns));
        let constants = self
            .constants
            .iter()
            .map(|constant| (&constant.field, &constant.possible_columns));
        texts
            .chain(constants)
            .flat_map(|(field, names)| names.iter().map(move |name| (field, name)))
    }

    /// The strings that depend on the row.
    pub(super) fn texts(&self) -> impl Iterator<Item = &TextPart> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::Fixed(_) => None,
        })
    }
}

/// LINE's rules for messages in which [`TreeReader`] has marked the templates. What they say of
/// each field is noted in `texts`.
fn line_rules(
    messages: &[Value],
    mark: &str,
    texts: &mut [TextPart],
) -> Result<MessageRules, TemplateError> {
    let mark_at = |text: &str| text.find(mark);
    let rules = MessageRules::compile(messages, &|text| Some(text.split_at(mark_at(text)?).0))
        .map_err(TemplateError::Refused)?;
    for (i, rule) in rules.fields().iter().enumerate() {
        let is_of_rule =
            |text: &&mut TextPart| text.field == rule.property() && text.rule.is_none();
        if let Some(text) = texts.iter_mut().find(is_of_rule) {
            text.rule = Some(i);
            text.form = rule.form();
            text.doubles_braces = rule.doubles_braces();
        }
    }
    Ok(rules)
}

/// Reads the messages. In place of each template it leaves what every rendering begins with, a
/// mark, and the template's number.
struct TreeReader {
    /// A text that no string of the messages holds.
    mark: String,
    engine: Environment<'static>,
    texts: Vec<TextPart>,
    names: Vec<Names>,
    constants: Vec<Constant>,
}

impl TreeReader {
    fn new(messages: &[Value]) -> Self {
        let json = messages.iter().map(Value::to_string).collect::<String>();
        // JSON writes U+0000 as six characters.
        let mut mark = String::from("\0");
        while json.contains(&"\\u0000".repeat(mark.len())) {
            mark.push('\0');
        }
        Self {
            mark,
            engine: engine(),
            texts: Vec::new(),
            names: Vec::new(),
            constants: Vec::new(),
        }
    }

    fn value(&mut self, field: &str, value: Value) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(text) if is_template(&text) => Value::String(self.template(field, text)?),
            Value::Array(items) => (0..)
                .zip(items)
                .map(|(i, item)| self.value(&format!("{field}[{i}]"), item))
                .collect::<Result<_, _>>()?,
            Value::Object(object) => object
                .into_iter()
                .map(|(key, value)| {
                    Ok((key.clone(), self.value(&format!("{field}.{key}"), value)?))
                })
                .collect::<Result<Map<_, _>, TemplateError>>()?
                .into(),
            other => other,
        })
    }

    /// The text of a template that uses no column, or the mark of any other.
    fn template(&mut self, field: &str, source: String) -> Result<String, TemplateError> {
        let error = |problem: String| TemplateError::new(field, problem);
        let template =
            parse(&source, field, syntax()).map_err(|mistake| error(explain(&source, &mistake)))?;
        let names = Names::of(&template, &self.engine).map_err(error)?;
        if !names.has_columns() {
            let text = self.engine.render_str(&source, ());
            let text = text.map_err(|failure| error(constant_failure(&failure)))?;
            if text.contains(&self.mark) {
                return Err(error("writes the character U+0000".into()));
            }
            self.constants.push(Constant {
                field: field.to_owned(),
                possible_columns: possible_columns(&source),
            });
            return Ok(text);
        }
        let marked = format!("{}{}{}", prefix(&template), self.mark, self.texts.len());
        self.texts.push(TextPart {
            field: field.to_owned(),
            form: FieldForm::Text,
            doubles_braces: false,
            rule: None,
            columns: Column::all(&names),
            possible_columns: possible_columns(&source),
            pieces: pieces(&template),
        });
        self.names.push(names);
        self.engine
            .add_template_owned(field.to_owned(), source)
            .map_err(|mistake| error(mistake.to_string()))?;
        Ok(marked)
    }

    /// Where a name is a column, the engine's function of that name is not there for any template.
    fn share_names(&mut self) -> Result<(), TemplateError> {
        for (text, names) in self.texts.iter().zip(&self.names) {
            let calls = |name: &String| {
                self.names
                    .iter()
                    .any(|names| names.functions.contains(name))
            };
            if let Some(name) = names.plain.iter().find(|name| calls(name)) {
                return Err(TemplateError::new(
                    &text.field,
                    format!(
                        "uses `{name}` as a column, and the messages call the function `{name}` \
                         too; write the column as `{}`",
                        super::mistake::column_form(name)
                    ),
                ));
            }
            if !names.in_row.is_empty() && names.plain.contains(super::names::ROW) {
                return Err(TemplateError::new(
                    &text.field,
                    "uses `row` as a column and `row['…']` too; write the column as \
                     `{{ row['row'] }}`",
                ));
            }
        }
        for name in self.names.iter().flat_map(|names| &names.plain) {
            self.engine.remove_global(name);
        }
        Ok(())
    }
}

/// Why a template without columns can't be rendered. It has no value of a row.
fn constant_failure(error: &minijinja::Error) -> String {
    let no_text =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<NoText>());
    match no_text {
        Some(no_text) => no_text.to_string(),
        None if error.kind() == minijinja::ErrorKind::OutOfFuel => TOO_MANY_STEPS.into(),
        None => format!("can't be rendered: {error}"),
    }
}

/// Writes the messages as parts.
struct PartWriter<'m> {
    mark: &'m str,
    /// Each template, until it is written.
    texts: Vec<Option<TextPart>>,
    parts: Vec<Part>,
}

impl PartWriter<'_> {
    fn fixed(&mut self, json: &str) {
        match self.parts.last_mut() {
            Some(Part::Fixed(fixed)) => fixed.push_str(json),
            _ if json.is_empty() => {}
            _ => self.parts.push(Part::Fixed(json.into())),
        }
    }

    fn array(&mut self, items: &[Value]) {
        self.fixed("[");
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.fixed(",");
            }
            self.value(item);
        }
        self.fixed("]");
    }

    /// `serde_json` sorts its maps, so the keys come in order.
    fn object(&mut self, object: &Map<String, Value>) {
        self.fixed("{");
        for (i, (key, value)) in object.iter().enumerate() {
            if i > 0 {
                self.fixed(",");
            }
            self.string(key);
            self.fixed(":");
            self.value(value);
        }
        self.fixed("}");
    }

    fn string(&mut self, text: &str) {
        let mut json = String::new();
        push_json_string(&mut json, text);
        self.fixed(&json);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => match self.template(text) {
                Some(template) => self.template_part(template),
                None => self.string(text),
            },
            Value::Array(items) => self.array(items),
            Value::Object(object) => self.object(object),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                let mut json = String::new();
                push_json(&mut json, value);
                self.fixed(&json);
            }
        }
    }

    /// The template that this string marks.
    fn template(&mut self, text: &str) -> Option<TextPart> {
        let (_, number) = text.split_once(self.mark)?;
        self.texts.get_mut(number.parse::<usize>().ok()?)?.take()
    }

    fn template_part(&mut self, text: TextPart) {
        let quote = match text.form {
            FieldForm::Text => "\"",
            FieldForm::Number => "",
        };
        self.fixed(quote);
        self.parts.push(Part::Text(text));
        self.fixed(quote);
    }
}
