//! The names of columns: how they are compared, and when they may be shown.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::channel::Channel;
use crate::text::trim_marks;

/// A column's name as templates use it.
pub(super) fn column_name(written: &str) -> String {
    trim_marks(written).nfc().collect()
}

/// Names that other programs give to the column of a recipient, in the form of [`folded`].
const ALSO_CALLED: [(&str, &[&str]); 2] = [
    (
        "to",
        &[
            "userid",
            "lineid",
            "lineuserid",
            "lineuid",
            "uid",
            "mid",
            "recipient",
            "recipientid",
        ],
    ),
    (
        "token",
        &[
            "accesstoken",
            "notifytoken",
            "linetoken",
            "linenotifytoken",
            "notifyaccesstoken",
        ],
    ),
];

/// The name among `present` that is likely meant by `column`. It differs only in its capitals or
/// its dashes, or it is a usual name for the column of a recipient. So it is no value of a person.
pub(super) fn similar<'a>(
    column: &str,
    present: &(impl Iterator<Item = &'a str> + Clone),
) -> Option<&'a str> {
    let wanted = folded(column);
    let also: &[&str] = ALSO_CALLED
        .iter()
        .find_map(|(name, also)| (*name == wanted).then_some(*also))
        .unwrap_or(&[]);
    present
        .clone()
        .find(|name| folded(name) == wanted)
        .or_else(|| {
            present
                .clone()
                .find(|name| also.contains(&folded(name).as_str()))
        })
}

/// A name in small letters and without the characters that stand between words.
fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The names in line 1, for people at a terminal.
///
/// A list without a header has a person's values there. So no error and no log shows them, and a
/// terminal only those that can be no person's.
#[derive(Clone, PartialEq, Eq)]
pub struct ColumnNames(Vec<String>);

impl ColumnNames {
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// How many columns there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The names in a sentence, or `None` where one of them looks like a value of a person.
    pub fn shown(&self) -> Option<String> {
        let all_are_names = !self.0.is_empty() && self.0.iter().all(|name| is_harmless(name));
        all_are_names.then(|| {
            let quoted: Vec<String> = self.0.iter().map(|name| format!("`{name}`")).collect();
            quoted.join(", ")
        })
    }
}

/// Shows only how many names there are: they may be a person's values.
impl fmt::Debug for ColumnNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ColumnNames({})", self.0.len())
    }
}

/// Whether the columns of a list may be shown that has this column. Tokens are secrets, so nothing
/// of their lists is shown.
pub(super) fn is_public(column: &str) -> bool {
    column != Channel::LineNotify.recipient_column()
}

/// A name is short, and has neither the digits of a number nor the sign of an address.
fn is_harmless(name: &str) -> bool {
    const MAX_CHARS: usize = 30;
    const MAX_DIGITS: usize = 3;
    is_public(name)
        && name.chars().count() <= MAX_CHARS
        && name.chars().filter(|c| c.is_numeric()).count() <= MAX_DIGITS
        && !name.contains(|c: char| c == '@' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_1_is_shown_only_where_it_can_be_no_person() {
        for (names, shown) in [
            (&["id", "姓名"][..], Some("`id`, `姓名`")),
            (&["U4af4980629f0c1d2e3f4a5b6c7d8e9fa", "王小明"], None),
            (&["王小明", "0912-000-000"], None),
            (&["ann@example.com"], None),
            (&["MadeUpTokenMadeUpTokenMadeUpTokenMadeUpToke"], None),
            (&["t\0o\0"], None),
            (&["token", "name"], None),
            (&[], None),
        ] {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let names = ColumnNames::new(&names);
            assert_eq!(names.shown().as_deref(), shown, "{names:?}");
            assert_eq!(
                format!("{names:?}"),
                format!("ColumnNames({})", names.count())
            );
        }
    }
}
