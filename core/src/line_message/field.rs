//! A string of the messages that is a template, and the rules for what each row renders there.

use std::borrow::Cow;

use super::number::Number;
use super::problem::{Place, Problem, Refusal};
use super::text::Text;
use super::text::braces::Placeholders;

pub(super) mod size;

/// One string of the messages that is a template, and what LINE takes for it.
#[derive(Debug)]
pub struct FieldRule {
    pub(super) property: String,
    pub(super) form: FieldForm,
    pub(super) rules: Vec<RowRule>,
    pub(super) place: Place,
    /// The numbers of the [`SizeRule`](size::SizeRule)s that this field counts for.
    pub(super) sizes: Vec<usize>,
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
    pub(super) fn check_fragment(&self, fragment: &str) -> Result<(), Problem> {
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
