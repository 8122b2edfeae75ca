//! The size of a part of a message as JSON.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::problem::{Place, Refusal};
use super::{FieldForm, FieldRule};

/// How much JSON LINE takes.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct MaxSize {
    pub(in super::super) kb: usize,
    /// What has the size, for a sentence: `bubble`, `carousel`.
    pub(in super::super) what: &'static str,
}

/// A part of a message whose size depends on the row.
#[derive(Debug)]
pub(in super::super) struct SizeRule {
    pub(in super::super) property: String,
    pub(in super::super) place: Place,
    pub(in super::super) max: MaxSize,
    /// The bytes that every row has.
    pub(in super::super) fixed: usize,
    /// The fields that count, by their index in
    /// [`MessageRules::fields`](super::super::MessageRules::fields).
    pub(in super::super) fields: Range<usize>,
}

impl SizeRule {
    /// `rendered` are the bytes of the fields. LINE does not say whether its KB has 1,000 or 1,024
    /// bytes: only what is over the larger one is refused.
    pub(in super::super) fn check(&self, rendered: usize) -> Result<(), Refusal> {
        let (bytes, max) = (self.fixed + rendered, self.max.kb * 1024);
        if bytes <= max {
            return Ok(());
        }
        Err(Refusal::new(format!(
            "has {bytes} bytes of JSON; LINE takes {} KB ({max} bytes) in a {}",
            self.max.kb, self.max.what
        )))
    }

    /// What LINE may refuse: a size between the two readings of KB.
    pub(in super::super) fn doubt(&self) -> Option<String> {
        let (bytes, max) = (self.fixed, self.max.kb * 1000);
        (bytes > max).then(|| {
            format!(
                "has {bytes} bytes of JSON; LINE takes {} KB in a {}, which may mean {max} bytes",
                self.max.kb, self.max.what
            )
        })
    }
}

/// The bytes of `object`'s compact JSON, less what each row renders into it. `fields` are the
/// templated fields inside it.
pub(in super::super) fn fixed_bytes(
    object: &Map<String, Value>,
    fields: &[FieldRule],
    is_template: &dyn Fn(&str) -> bool,
) -> usize {
    let mut json = String::new();
    crate::text::push_json(&mut json, &without_templates(object, is_template));
    let numbers = fields.iter().filter(|f| f.form == FieldForm::Number);
    // A number's template leaves two quotes here that its rendered text does not have.
    json.len() - 2 * numbers.count()
}

fn without_templates(
    object: &Map<String, Value>,
    is_template: &dyn Fn(&str) -> bool,
) -> Map<String, Value> {
    let emptied = |(key, value): (&String, &Value)| (key.clone(), emptied(value, is_template));
    object.iter().map(emptied).collect()
}

fn emptied(value: &Value, is_template: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::String(text) if is_template(text) => Value::String(String::new()),
        Value::Array(items) => items.iter().map(|v| emptied(v, is_template)).collect(),
        Value::Object(object) => Value::Object(without_templates(object, is_template)),
        other => other.clone(),
    }
}
