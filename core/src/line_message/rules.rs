//! What is left to check for each row, once the tree has been checked.

use serde_json::Value;

use super::field::size::SizeRule;
use super::field::{FieldForm, FieldRule};
use super::message::{MESSAGE, REFERENCE};
use super::problem::Problem;
use super::walk::{LeftToRows, Walk};

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
        let mut walk = Walk::new(&MESSAGE, prefix);
        walk.messages(messages);
        let (findings, left) = walk.into_parts();
        if !findings.problems.is_empty() {
            return Err(findings.problems);
        }
        Ok(Self::new(left, findings.warnings))
    }

    fn new(mut left: LeftToRows, warnings: Vec<Problem>) -> Self {
        for (i, size) in left.sizes.iter().enumerate() {
            let inside = left.fields.get_mut(size.fields.clone());
            for field in inside.into_iter().flatten() {
                field.sizes.push(i);
            }
        }
        Self {
            fields: left.fields,
            sizes: left.sizes,
            whole: left.whole,
            warnings,
        }
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
            reference: REFERENCE,
        })?;
        super::problems(&messages)
            .into_iter()
            .next()
            .map_or(Ok(()), Err)
    }
}
