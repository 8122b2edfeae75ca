//! The words that the tables of LINE's rules are written in.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::number::Number;
use super::super::problem::{Fault, Refusal, Validator};
use super::super::text::{Pattern, Text, Url};
use super::Walk;

/// The link of a section of LINE's reference.
macro_rules! reference {
    ($section:literal) => {
        concat!(
            "https://developers.line.biz/en/reference/messaging-api/#",
            $section
        )
    };
}
pub(in super::super) use reference;

/// What an object has to look like.
pub(in super::super) struct Shape {
    /// The `type` of the object, or a name for one that has no `type`.
    pub(in super::super) kind: &'static str,
    has_type: bool,
    /// What it is, for a sentence: `message`, `action`.
    what: &'static str,
    pub(in super::super) reference: &'static str,
    /// Who checks it at LINE; `None` for whoever checks the object around it.
    pub(in super::super) validator: Option<Validator>,
    pub(in super::super) fields: &'static [&'static [Field]],
    /// The rules that look at more than one field.
    pub(in super::super) also: Also,
}

/// A rule over several fields of an object. The range is that of the templated fields inside it.
pub(in super::super) type Also = fn(&mut Walk<'_>, &Map<String, Value>, Range<usize>);

fn nothing(_: &mut Walk<'_>, _: &Map<String, Value>, _: Range<usize>) {}

impl Shape {
    /// An object that is told by its `type`.
    pub(in super::super) const fn typed(
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
    pub(in super::super) const fn plain(
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

    pub(in super::super) const fn also(self, also: Also) -> Self {
        Self { also, ..self }
    }

    pub(in super::super) const fn checked_by(self, validator: Validator) -> Self {
        Self {
            validator: Some(validator),
            ..self
        }
    }

    /// What it is, for a sentence: `` `image` message ``, `column`.
    pub(in super::super) fn name(&self) -> String {
        if self.has_type {
            format!("`{}` {}", self.kind, self.what)
        } else {
            self.kind.to_owned()
        }
    }

    pub(in super::super) fn has_field(&self, name: &str) -> bool {
        (self.has_type && name == "type")
            || self
                .fields
                .iter()
                .flat_map(|group| group.iter())
                .any(|field| field.name == name)
    }
}

/// A field of an object.
pub(in super::super) struct Field {
    pub(in super::super) name: &'static str,
    pub(in super::super) is_required: bool,
    pub(in super::super) rule: Rule,
}

pub(in super::super) const fn required(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        is_required: true,
        rule,
    }
}

pub(in super::super) const fn optional(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        is_required: false,
        rule,
    }
}

/// What a value has to be.
#[derive(Clone, Copy)]
pub(in super::super) enum Rule {
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
    pub(in super::super) fn takes(&self) -> &'static str {
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
pub(in super::super) struct Choice {
    /// What they are, for a sentence: `message`, `action`.
    pub(in super::super) what: &'static str,
    pub(in super::super) reference: &'static str,
    pub(in super::super) shapes: &'static [&'static Shape],
    /// The fields that each of them has.
    pub(in super::super) common: &'static [Field],
}

/// A list of values of one kind.
pub(in super::super) struct List {
    pub(in super::super) item: Rule,
    pub(in super::super) min: usize,
    pub(in super::super) max: usize,
}

impl List {
    pub(in super::super) fn check(&self, n: usize) -> Result<(), Refusal> {
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
pub(in super::super) struct Named {
    pub(in super::super) max: usize,
    pub(in super::super) is_key: fn(&str) -> bool,
    /// What LINE takes for a key, for a sentence.
    pub(in super::super) takes: &'static str,
    pub(in super::super) item: Rule,
}

// Rules for strings and numbers.

/// A string of up to `max` UTF-16 code units, not empty.
pub(in super::super) const fn utf16(max: usize) -> Rule {
    Rule::Text(Text::utf16(max))
}

/// A string of up to `max` UTF-16 code units.
pub(in super::super) const fn utf16_or_empty(max: usize) -> Rule {
    Rule::Text(Text::utf16_or_empty(max))
}

/// A string of up to `max` grapheme clusters, not empty.
pub(in super::super) const fn graphemes(max: usize) -> Rule {
    Rule::Text(Text::graphemes(max))
}

/// A string of up to `max` grapheme clusters.
pub(in super::super) const fn graphemes_or_empty(max: usize) -> Rule {
    Rule::Text(Text::graphemes_or_empty(max))
}

/// A string that is not empty.
pub(in super::super) const fn filled() -> Rule {
    utf16(usize::MAX)
}

/// What is shown where a message can't be.
/// <https://developers.line.biz/en/reference/messaging-api/#flex-message>
pub(in super::super) const fn alt_text() -> Rule {
    utf16(1500)
}

pub(in super::super) const fn any_text() -> Rule {
    Rule::Text(Text::Any)
}

pub(in super::super) const fn https() -> Rule {
    Rule::Text(Text::Url(Url::HTTPS))
}

pub(in super::super) const fn one_of(values: &'static [&'static str]) -> Rule {
    Rule::Text(Text::OneOf(values))
}

pub(in super::super) const fn pattern(pattern: &'static Pattern) -> Rule {
    Rule::Text(Text::Pattern(pattern))
}

pub(in super::super) const fn whole_number(min: f64, max: f64) -> Rule {
    Rule::Number(Number::whole(min, max))
}

pub(in super::super) const fn number(min: f64, max: f64) -> Rule {
    Rule::Number(Number::between(min, max))
}
