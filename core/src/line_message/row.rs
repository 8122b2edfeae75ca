//! What is left to check for each row, once the tree has been checked.

use std::borrow::Cow;

use serde_json::Value;

use super::problem::{Place, Problem, Refusal};
use super::schema::Number;
use super::text::Text;
use super::text::braces::Placeholders;
use super::walk::Walk;

pub(super) mod size;

use size::SizeRule;

/// The rules of a campaign's messages, ready to be held against a million rows.
///
/// A row costs 15 to 100 ns: its own fields are looked at, and most of them only for their length
/// (`benches/line_message.rs`). Where a template decides which rules apply (a `type`, a `layout`, a
/// `mode`, a bubble's `size`, an emoji's `index`, a `min` or `max`), each row's messages are parsed
/// and checked whole, which costs about 10 µs.
#[derive(Debug)]
pub struct MessageRules {
    fields: Vec<FieldRule>,
    sizes: Vec<SizeRule>,
    /// The messages whose rules are known only once they are rendered, by index.
    whole: Vec<usize>,
    warnings: Vec<Problem>,
}

impl MessageRules {
    /// Checks all of `messages` that no row can change.
    ///
    /// `prefix` tells which strings are templates: `None` for a string that is the same in every
    /// row; for a template, what every rendered text begins with, which may be nothing.
    ///
    /// # Errors
    /// Every problem that is the same for all rows.
    pub fn compile(
        messages: &[Value],
        prefix: &dyn Fn(&str) -> Option<&str>,
    ) -> Result<Self, Vec<Problem>> {
        let mut walk = Walk::new(prefix);
        walk.messages(messages);
        let (findings, left) = walk.into_parts();
        if !findings.problems.is_empty() {
            return Err(findings.problems);
        }
        Ok(Self {
            warnings: findings.warnings,
            ..left.into_rules()
        })
    }

    /// What LINE may refuse, although no rule that it documents says so.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The strings that are templates, in the order of the tables. Their place in this list is the
    /// index that [`RowCheck::field`] takes.
    pub fn fields(&self) -> &[FieldRule] {
        &self.fields
    }

    /// Begins the check of one row.
    pub fn row(&self) -> RowCheck<'_> {
        RowCheck {
            rules: self,
            sizes: vec![0; self.sizes.len()],
        }
    }
}

/// What a walk leaves to the rows.
#[derive(Debug, Default)]
pub(super) struct LeftToRows {
    pub(super) fields: Vec<FieldRule>,
    pub(super) sizes: Vec<SizeRule>,
    pub(super) whole: Vec<usize>,
}

impl LeftToRows {
    fn into_rules(mut self) -> MessageRules {
        for (i, size) in self.sizes.iter().enumerate() {
            for field in self
                .fields
                .get_mut(size.fields.clone())
                .into_iter()
                .flatten()
            {
                field.sizes.push(i);
            }
        }
        MessageRules {
            fields: self.fields,
            sizes: self.sizes,
            whole: self.whole,
            warnings: Vec::new(),
        }
    }
}

/// One string of the messages that is a template, and what LINE takes for it.
#[derive(Debug)]
pub struct FieldRule {
    pub(super) property: String,
    pub(super) form: FieldForm,
    pub(super) rules: Vec<RowRule>,
    pub(super) place: Place,
    /// The [`SizeRule`]s that this field counts for.
    sizes: Vec<usize>,
}

/// How the rendered text stands in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldForm {
    /// In quotes, as a JSON string.
    Text,
    /// Without quotes: LINE takes a number here, so the rendered text has to be one.
    Number,
}

/// One rule for a rendered text.
#[derive(Debug)]
pub(super) enum RowRule {
    Text(Text),
    Number(Number),
    /// A `$` at each of these positions, in UTF-16 code units.
    /// <https://developers.line.biz/en/reference/messaging-api/#text-message>
    Dollars(Vec<usize>),
    Placeholders(Placeholders),
}

impl RowRule {
    pub(super) fn check(&self, text: &str) -> Result<(), Refusal> {
        match self {
            Self::Text(rule) => rule.check(text),
            Self::Number(number) => check_number(*number, text),
            Self::Dollars(positions) => check_dollars(positions, text),
            Self::Placeholders(placeholders) => placeholders.check(text),
        }
    }

    /// Whether `fragment`, the inside of a JSON string, is taken without a look at its characters.
    fn takes_unread(&self, fragment: &str) -> bool {
        match self {
            Self::Text(rule) => {
                fragment.len() <= rule.takes_all_up_to()
                    && (!fragment.is_empty() || rule.may_be_empty())
            }
            _ => false,
        }
    }
}

fn check_number(number: Number, text: &str) -> Result<(), Refusal> {
    // JSON takes space around a number; the bytes of a request have none.
    let parsed = (text.trim() == text)
        .then(|| serde_json::from_str::<serde_json::Number>(text).ok())
        .flatten()
        .and_then(|parsed| parsed.as_f64());
    match parsed {
        Some(parsed) => number.check(parsed),
        None => Err(Refusal::new("is not a number")),
    }
}

fn check_dollars(positions: &[usize], text: &str) -> Result<(), Refusal> {
    for position in positions {
        if text.encode_utf16().nth(*position) != Some(u16::from(b'$')) {
            return Err(Refusal::new(format!(
                "has no `$` at position {position}, where `emojis` puts a LINE emoji; \
                 positions are counted from 0 in UTF-16 code units"
            )));
        }
    }
    Ok(())
}

impl FieldRule {
    pub(super) fn new(property: &str, form: FieldForm, rule: RowRule, place: Place) -> Self {
        Self {
            property: property.to_owned(),
            form,
            rules: vec![rule],
            place,
            sizes: Vec::new(),
        }
    }

    /// The path of the field, such as `messages[0].text`.
    pub fn property(&self) -> &str {
        &self.property
    }

    /// How the rendered text stands in the JSON.
    pub fn form(&self) -> FieldForm {
        self.form
    }

    /// Whether a value that is put into this field has to go through
    /// [`double_braces`](super::double_braces): it is the text of a `textV2` message.
    pub fn doubles_braces(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| matches!(rule, RowRule::Placeholders(_)))
    }

    /// Checks the field's rendered text.
    ///
    /// # Errors
    /// What LINE would refuse. Holds no part of the text.
    pub fn check(&self, text: &str) -> Result<(), Problem> {
        for rule in &self.rules {
            rule.check(text)
                .map_err(|refusal| refusal.at(&self.property, self.place))?;
        }
        Ok(())
    }

    /// [`Self::check`] for a text as it stands inside a JSON string.
    fn check_fragment(&self, fragment: &str) -> Result<(), Problem> {
        if self.rules.iter().all(|rule| rule.takes_unread(fragment)) {
            return Ok(());
        }
        match unescape(fragment) {
            Some(text) => self.check(&text),
            None => Err(Refusal::new("is not a JSON string").at(&self.property, self.place)),
        }
    }
}

fn unescape(fragment: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', fragment.as_bytes()).is_none() {
        return Some(Cow::Borrowed(fragment));
    }
    serde_json::from_str(&format!("\"{fragment}\""))
        .ok()
        .map(Cow::Owned)
}

/// The check of one row: [`Self::field`] for each field as it is rendered, then [`Self::finish`].
#[derive(Debug)]
pub struct RowCheck<'a> {
    rules: &'a MessageRules,
    /// The rendered bytes that count for each [`SizeRule`].
    sizes: Vec<usize>,
}

impl RowCheck<'_> {
    /// Checks one rendered field. `fragment` is what was written into the JSON for it: for
    /// [`FieldForm::Text`], the inside of the JSON string, escaped and without its quotes.
    ///
    /// # Errors
    /// What LINE would refuse. Holds no part of the text.
    pub fn field(&mut self, index: usize, fragment: &str) -> Result<(), Problem> {
        let Some(field) = self.rules.fields.get(index) else {
            return Ok(());
        };
        for size in &field.sizes {
            if let Some(size) = self.sizes.get_mut(*size) {
                *size += fragment.len();
            }
        }
        match field.form {
            FieldForm::Text => field.check_fragment(fragment),
            FieldForm::Number => field.check(fragment),
        }
    }

    /// Checks what only all fields together can tell. `json` is the row's array of messages, and
    /// every field of [`MessageRules::fields`] has gone through [`Self::field`].
    ///
    /// # Errors
    /// What LINE would refuse.
    pub fn finish(self, json: &str) -> Result<(), Problem> {
        for (rule, rendered) in self.rules.sizes.iter().zip(self.sizes) {
            rule.check(rendered)
                .map_err(|refusal| refusal.at(&rule.property, rule.place))?;
        }
        if self.rules.whole.is_empty() {
            return Ok(());
        }
        let messages: Vec<Value> = serde_json::from_str(json).map_err(|_| Problem {
            property: "messages".into(),
            problem: "is not a JSON array once it is rendered".into(),
            line_says: None,
            reference: super::message::REFERENCE,
        })?;
        super::problems(&messages)
            .into_iter()
            .next()
            .map_or(Ok(()), Err)
    }
}
