//! The columns of the list that templates name.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::mistake::{before_filters, column_form, is_identifier};
use super::names::Names;
use super::tag::{TagKind, tags};

/// A column that a template names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// The name as the template writes it.
    pub(super) written: String,
    /// The column's name in the list.
    pub(super) name: String,
    /// Whether it is written as a name, and not as `row['…']`.
    pub(super) is_plain: bool,
    /// Whether its value is joined to a text with `~`.
    pub(super) is_joined: bool,
    /// Whether it is used in no other way.
    pub(super) is_only_joined: bool,
}

impl Column {
    /// All columns of a template.
    pub(super) fn all(names: &Names) -> Vec<Self> {
        let column = |written: &String, is_plain| Self {
            written: written.clone(),
            name: Self::name(written),
            is_plain,
            is_joined: names.joined.contains(written),
            is_only_joined: !names.not_joined.contains(written),
        };
        let plain = names.plain.iter().map(|written| column(written, true));
        let in_row = names.in_row.iter().map(|written| column(written, false));
        plain.chain(in_row).collect()
    }

    /// The name of a column in the list. Two ways to write one letter are one name: a Mac writes
    /// `が` in two parts, and other machines in one.
    /// <https://www.unicode.org/reports/tr15/>
    pub(super) fn name(written: &str) -> String {
        composed(written).into_owned()
    }

    /// The end of a sentence about a column whose name can't be written as it stands.
    pub(super) fn meant(name: &str) -> String {
        format!(
            "has `{name}`, which the template reads as an expression; write the column `{name}` \
             as `{}`",
            column_form(name)
        )
    }
}

fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// The texts in the tags of a template that may be meant as a column's name, although the engine
/// reads them as something else: `{{ first-name }}`.
pub(super) fn possible_columns(source: &str) -> Vec<String> {
    let values = tags(source)
        .into_iter()
        .filter(|tag| tag.kind == TagKind::Value);
    let names = values.map(|tag| before_filters(tag.inside));
    names
        .filter(|name| !is_identifier(name))
        .map(Column::name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_written_in_two_ways_is_one_column() {
        let composed = "プレゼント";
        let decomposed = "フ\u{309a}レセ\u{3099}ント";
        assert_ne!(composed, decomposed);
        assert_eq!(Column::name(decomposed), composed);
        assert_eq!(Column::name(composed), composed);
    }

    #[test]
    fn what_stands_in_a_tag_may_be_meant_as_a_column() {
        let source = "{{ a }} {{ first-name }} {{ e-mail|lower }} {% if b-c %}{% endif %}";
        assert_eq!(possible_columns(source), ["first-name", "e-mail"]);
    }
}
