//! The words that the tables of LINE's rules are written in.

use std::ops::Range;

use serde_json::{Map, Value};

use super::problem::{Fault, Refusal, Validator};
use super::text::Text;
use super::walk::Walk;

/// The link of a section of LINE's reference.
macro_rules! reference {
    ($section:literal) => {
        concat!(
            "https://developers.line.biz/en/reference/messaging-api/#",
            $section
        )
    };
}
pub(super) use reference;

/// What an object has to look like.
pub(super) struct Shape {
    /// The `type` of the object, or a name for one that has no `type`.
    pub(super) kind: &'static str,
    has_type: bool,
    /// What it is, for a sentence: `message`, `action`.
    what: &'static str,
    pub(super) reference: &'static str,
    /// Who checks it at LINE; `None` for whoever checks the object around it.
    pub(super) validator: Option<Validator>,
    pub(super) fields: &'static [&'static [Field]],
    /// The rules that look at more than one field.
    pub(super) also: Also,
}

/// A rule over several fields of an object. The range is that of the templated fields inside it.
pub(super) type Also = fn(&mut Walk<'_>, &Map<String, Value>, Range<usize>);

fn nothing(_: &mut Walk<'_>, _: &Map<String, Value>, _: Range<usize>) {}

impl Shape {
    /// An object that is told by its `type`.
    pub(super) const fn typed(
        kind: &'static str,
        what: &'static str,
        reference: &'static str,
        fields: &'static [&'static [Field]],
    ) -> Self {
        Self {
            kind,
            has_type: true,
            what,
            reference,
            validator: None,
            fields,
            also: nothing,
        }
    }

    /// An object without a `type`, and its name for a sentence.
    pub(super) const fn plain(
        name: &'static str,
        reference: &'static str,
        fields: &'static [&'static [Field]],
    ) -> Self {
        let shape = Self::typed(name, "", reference, fields);
        Self {
            has_type: false,
            ..shape
        }
    }

    pub(super) const fn also(self, also: Also) -> Self {
        Self { also, ..self }
    }

    pub(super) const fn checked_by(self, validator: Validator) -> Self {
        Self {
            validator: Some(validator),
            ..self
        }
    }

    /// What it is, for a sentence: `` `image` message ``, `column`.
    pub(super) fn name(&self) -> String {
        if self.has_type {
            format!("`{}` {}", self.kind, self.what)
        } else {
            self.kind.to_owned()
        }
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        (self.has_type && name == "type")
            || self
                .fields
                .iter()
                .flat_map(|group| group.iter())
                .any(|field| field.name == name)
    }
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    pub(super) rule: Rule,
}

pub(super) const fn required(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        is_required: true,
        rule,
    }
}

pub(super) const fn optional(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        is_required: false,
        rule,
    }
}

/// What a value has to be.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Text(Text),
    Number(Number),
    Boolean,
    Object(&'static Shape),
    /// An object that is one of several by its `type`.
    OneOf(&'static Choice),
    List(&'static List),
    Named(&'static Named),
}

impl Rule {
    /// What LINE takes, for a value of another JSON type.
    pub(super) fn takes(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text; write it in double quotes",
            Self::Number(_) => "a number; write it without quotes",
            Self::Boolean => "`true` or `false`; write it without quotes",
            Self::Object(_) | Self::OneOf(_) | Self::Named(_) => "an object; write it in `{}`",
            Self::List(_) => "a list; write it in `[]`",
        }
    }
}

/// Objects that are told apart by their `type`.
pub(super) struct Choice {
    /// What they are, for a sentence: `message`, `action`.
    pub(super) what: &'static str,
    pub(super) reference: &'static str,
    pub(super) shapes: &'static [&'static Shape],
    /// The fields that each of them has.
    pub(super) common: &'static [Field],
}

/// A list of values of one kind.
pub(super) struct List {
    pub(super) item: Rule,
    pub(super) min: usize,
    pub(super) max: usize,
}

impl List {
    pub(super) fn check(&self, n: usize) -> Result<(), Refusal> {
        if (self.min..=self.max).contains(&n) {
            return Ok(());
        }
        let takes = match (self.min, self.max) {
            (min, max) if min == max => min.to_string(),
            (0, max) => format!("up to {max}"),
            (min, usize::MAX) => format!("{min} or more"),
            (min, max) => format!("{min} to {max}"),
        };
        let items = if n == 1 { "item" } else { "items" };
        let fault = if n > self.max {
            Fault::TooMany(self.max)
        } else {
            Fault::Other
        };
        Err(Refusal::of(
            fault,
            format!("has {n} {items}; LINE takes {takes}"),
        ))
    }
}

/// An object whose keys are names that the sender gives.
pub(super) struct Named {
    pub(super) max: usize,
    pub(super) is_key: fn(&str) -> bool,
    /// What LINE takes for a key, for a sentence.
    pub(super) takes: &'static str,
    pub(super) item: Rule,
}

/// A number and its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) is_whole: bool,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Number {
    pub(super) const fn whole(min: f64, max: f64) -> Rule {
        Rule::Number(Self {
            is_whole: true,
            min,
            max,
        })
    }

    pub(super) const fn between(min: f64, max: f64) -> Rule {
        Rule::Number(Self {
            is_whole: false,
            min,
            max,
        })
    }

    pub(super) fn check(self, number: f64) -> Result<(), Refusal> {
        if self.is_whole && number.fract() != 0.0 {
            return Err(Refusal::new("is not a whole number"));
        }
        if (self.min..=self.max).contains(&number) {
            return Ok(());
        }
        Err(Refusal::new(if self.max.is_finite() {
            format!(
                "is out of range; LINE takes a number from {} to {}",
                self.min, self.max
            )
        } else {
            format!(
                "is out of range; LINE takes a number of {} or more",
                self.min
            )
        }))
    }
}

/// Names in backticks, for a sentence.
pub(super) fn in_backticks<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
