//! A tree of message objects, held against the tables.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::field::size::{MaxSize, SizeRule, fixed_bytes};
use super::field::{FieldForm, FieldRule, RowRule};
use super::problem::{Fault, Findings, Place, Refusal, Validator, in_backticks};
use super::text::Text;
use crate::limits::line::MAX_MESSAGES;

pub(super) mod schema;

use schema::{Choice, Field, List, Named, Rule, Shape};

/// What a walk leaves to the rows.
#[derive(Debug, Default)]
pub(super) struct LeftToRows {
    pub(super) fields: Vec<FieldRule>,
    pub(super) sizes: Vec<SizeRule>,
    pub(super) whole: Vec<usize>,
}

/// One walk: where it stands, what it found, and what it leaves to the rows.
pub(super) struct Walk<'a> {
    /// What each message may be.
    message_types: &'static Choice,
    prefix: &'a dyn Fn(&str) -> Option<&str>,
    path: String,
    place: Place,
    message: usize,
    findings: Findings,
    fields: Vec<FieldRule>,
    sizes: Vec<SizeRule>,
    whole: BTreeSet<usize>,
}

impl<'a> Walk<'a> {
    /// `prefix` as in [`MessageRules::compile`](super::MessageRules::compile).
    pub(super) fn new(
        message_types: &'static Choice,
        prefix: &'a dyn Fn(&str) -> Option<&str>,
    ) -> Self {
        Self {
            message_types,
            prefix,
            path: String::from("messages"),
            place: Place {
                reference: message_types.reference,
                validator: Validator::Message,
            },
            message: 0,
            findings: Findings::default(),
            fields: Vec::new(),
            sizes: Vec::new(),
            whole: BTreeSet::new(),
        }
    }

    pub(super) fn into_findings(self) -> Findings {
        self.findings
    }

    pub(super) fn into_parts(self) -> (Findings, LeftToRows) {
        let left = LeftToRows {
            fields: self.fields,
            sizes: self.sizes,
            whole: self.whole.into_iter().collect(),
        };
        (self.findings, left)
    }

    pub(super) fn messages(&mut self, messages: &[Value]) {
        let n = messages.len();
        if !(1..=MAX_MESSAGES).contains(&n) {
            self.refuse(Refusal::new(format!(
                "has {n} messages; LINE takes 1 to {MAX_MESSAGES} in a request"
            )));
            return;
        }
        for (i, message) in messages.iter().enumerate() {
            self.message = i;
            self.inside_item(i, |walk| walk.choice(walk.message_types, message));
        }
    }

    // Where the walk stands.

    pub(super) fn inside(&mut self, field: &str, visit: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.push('.');
        self.path.push_str(field);
        visit(self);
        self.path.truncate(before);
    }

    pub(super) fn inside_item(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.push('[');
        self.path.push_str(&index.to_string());
        self.path.push(']');
        visit(self);
        self.path.truncate(before);
    }

    // What the walk finds.

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        let problem = refusal.at(&self.path, self.place);
        self.findings.problems.push(problem);
    }

    /// Refuses the field `field` of the object where the walk stands.
    pub(super) fn refuse_at(&mut self, field: &str, problem: impl Into<String>) {
        self.inside(field, |walk| walk.refuse(Refusal::new(problem)));
    }

    pub(super) fn check(&mut self, found: Result<(), Refusal>) {
        if let Err(refusal) = found {
            self.refuse(refusal);
        }
    }

    /// Warns of the field `field` of the object where the walk stands.
    pub(super) fn doubt_at(&mut self, field: &str, problem: &str) {
        self.inside(field, |walk| walk.doubt(Refusal::new(problem)));
    }

    pub(super) fn doubt(&mut self, refusal: Refusal) {
        let problem = refusal.at(&self.path, self.place);
        self.findings.warnings.push(problem);
    }

    /// The rules of the message depend on what is rendered: each row is checked whole.
    pub(super) fn leave_whole(&mut self) {
        self.whole.insert(self.message);
    }

    pub(super) fn is_template(&self, text: &str) -> bool {
        (self.prefix)(text).is_some()
    }

    /// The string in `object`'s field `name`, unless it is a template.
    pub(super) fn literal<'o>(
        &self,
        object: &'o Map<String, Value>,
        name: &str,
    ) -> Option<&'o str> {
        let text = object.get(name)?.as_str()?;
        (!self.is_template(text)).then_some(text)
    }

    /// Whether `object`'s field `name` is a template.
    pub(super) fn is_templated(&self, object: &Map<String, Value>, name: &str) -> bool {
        let text = object.get(name).and_then(Value::as_str);
        text.is_some_and(|text| self.is_template(text))
    }

    /// One more rule for the string in `object`'s field `name`, if there is one.
    pub(super) fn also_text(&mut self, object: &Map<String, Value>, name: &str, rule: RowRule) {
        let Some(text) = object.get(name).and_then(Value::as_str) else {
            return;
        };
        self.inside(name, |walk| {
            if !walk.is_template(text) {
                walk.check(rule.check(text));
                return;
            }
            let path = &walk.path;
            let field = walk.fields.iter_mut().rev().find(|f| f.property == *path);
            if let Some(field) = field {
                field.rules.push(rule);
            }
        });
    }

    /// Checks the size of `object` as JSON. `fields` are the templated fields inside it.
    pub(super) fn size(&mut self, object: &Map<String, Value>, max: MaxSize, fields: Range<usize>) {
        let inside = self.fields.get(fields.clone()).unwrap_or_default();
        let fixed = fixed_bytes(object, inside, &|text| self.is_template(text));
        let rule = SizeRule {
            property: self.path.clone(),
            place: self.place,
            max,
            fixed,
            fields,
        };
        match rule.check(0) {
            Err(refusal) => self.refuse(refusal),
            Ok(()) => {
                if let Some(doubt) = rule.doubt() {
                    self.doubt(Refusal::new(doubt));
                }
            }
        }
        if !rule.fields.is_empty() {
            self.sizes.push(rule);
        }
    }

    // The walk itself.

    fn value(&mut self, rule: &'static Rule, value: &Value) {
        match (rule, value) {
            (Rule::Text(rule), Value::String(text)) => self.text(*rule, text),
            (Rule::Number(number), Value::String(text)) if self.is_template(text) => {
                self.leave(FieldForm::Number, RowRule::Number(*number));
            }
            (Rule::Number(number), Value::Number(value)) => {
                if let Some(value) = value.as_f64() {
                    self.check(number.check(value));
                }
            }
            (Rule::Object(shape), Value::Object(object)) => self.object(shape, &[], object),
            (Rule::OneOf(choice), value) => self.choice(choice, value),
            (Rule::List(list), Value::Array(items)) => self.list(list, items),
            (Rule::Named(named), Value::Object(object)) => self.named(named, object),
            (Rule::Boolean, Value::Bool(_)) => {}
            (rule, value) => self.mismatch(rule.takes(), value),
        }
    }

    fn mismatch(&mut self, takes: &str, value: &Value) {
        let is_template = value.as_str().is_some_and(|text| self.is_template(text));
        self.refuse(Refusal::new(if is_template {
            format!("is a template, which makes a text; LINE takes {takes}")
        } else {
            format!("is not {takes}")
        }));
    }

    fn text(&mut self, rule: Text, text: &str) {
        if let Some(prefix) = (self.prefix)(text) {
            self.check(rule.check_prefix(prefix));
            self.leave(FieldForm::Text, RowRule::Text(rule));
            return;
        }
        match rule.check(text) {
            Err(refusal) => self.refuse(refusal),
            Ok(()) => {
                if let Some(doubt) = rule.doubt(text) {
                    self.doubt(Refusal::new(doubt));
                }
            }
        }
    }

    fn leave(&mut self, form: FieldForm, rule: RowRule) {
        self.fields
            .push(FieldRule::new(&self.path, form, rule, self.place));
    }

    fn list(&mut self, list: &'static List, items: &[Value]) {
        self.check(list.check(items.len()));
        for (i, item) in items.iter().enumerate() {
            self.inside_item(i, |walk| walk.value(&list.item, item));
        }
    }

    fn named(&mut self, named: &'static Named, object: &Map<String, Value>) {
        if object.len() > named.max {
            self.refuse(Refusal::new(format!(
                "has {} names; LINE takes {}",
                object.len(),
                named.max
            )));
        }
        for (key, value) in object {
            self.inside(key, |walk| {
                if !(named.is_key)(key) {
                    walk.refuse(Refusal::new(format!(
                        "is not a name that LINE takes: {}",
                        named.takes
                    )));
                }
                walk.value(&named.item, value);
            });
        }
    }

    fn choice(&mut self, choice: &'static Choice, value: &Value) {
        let Value::Object(object) = value else {
            return self.mismatch("an object; write it in `{}`", value);
        };
        let kinds = || choice.shapes.iter().map(|shape| shape.kind);
        match object.get("type").filter(|kind| !kind.is_null()) {
            Some(Value::String(kind)) if self.is_template(kind) => {
                self.leave_whole();
                self.opaque(value);
            }
            Some(Value::String(kind)) => {
                if let Some(shape) = choice.shapes.iter().find(|shape| shape.kind == kind) {
                    return self.object(shape, choice.common, object);
                }
                let types = kinds().collect::<Vec<_>>().join(", ");
                self.refuse_type(
                    choice,
                    Refusal::of(
                        Fault::Type(types),
                        format!(
                            "is no type of {} that LINE takes here; it takes {}",
                            choice.what,
                            in_backticks(kinds())
                        ),
                    ),
                );
            }
            Some(kind) => self.inside("type", |walk| {
                walk.mismatch(Rule::Text(Text::Any).takes(), kind);
            }),
            None => {
                let text = format!("is missing; LINE takes {}", in_backticks(kinds()));
                self.refuse_type(choice, Refusal::of(Fault::Missing, text));
            }
        }
    }

    fn refuse_type(&mut self, choice: &Choice, refusal: Refusal) {
        let outer = self.place.reference;
        self.place.reference = choice.reference;
        self.inside("type", |walk| walk.refuse(refusal));
        self.place.reference = outer;
    }

    fn object(
        &mut self,
        shape: &'static Shape,
        common: &'static [Field],
        object: &Map<String, Value>,
    ) {
        let outer = self.place;
        self.place = Place {
            reference: shape.reference,
            validator: shape.validator.unwrap_or(outer.validator),
        };
        let first = self.fields.len();
        for field in shape.fields.iter().copied().flatten().chain(common) {
            self.inside(field.name, |walk| {
                walk.field(shape, field, object.get(field.name));
            });
        }
        for (key, value) in object {
            if !shape.has_field(key) && !common.iter().any(|field| field.name == key) {
                self.inside(key, |walk| walk.unknown_field(shape, value));
            }
        }
        (shape.also)(self, object, first..self.fields.len());
        self.place = outer;
    }

    fn field(&mut self, shape: &Shape, field: &'static Field, value: Option<&Value>) {
        match value.filter(|value| !value.is_null()) {
            Some(value) => self.value(&field.rule, value),
            None if field.is_required => self.refuse(Refusal::of(
                Fault::Missing,
                format!("is missing; LINE takes no {} without it", shape.name()),
            )),
            None => {}
        }
    }

    fn unknown_field(&mut self, shape: &Shape, value: &Value) {
        let then = match self.place.validator {
            Validator::Flex => "LINE may refuse it",
            _ => "LINE may pay no attention to it",
        };
        let text = format!(
            "is no field of the {} in LINE's reference; {then}",
            shape.name()
        );
        self.doubt(Refusal::of(Fault::UnknownField, text));
        self.opaque(value);
    }

    /// Leaves every template in `value` to the rows, without a rule.
    fn opaque(&mut self, value: &Value) {
        match value {
            Value::String(text) if self.is_template(text) => {
                self.leave(FieldForm::Text, RowRule::Text(Text::Any));
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.inside_item(i, |walk| walk.opaque(item));
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    self.inside(key, |walk| walk.opaque(value));
                }
            }
            _ => {}
        }
    }
}
