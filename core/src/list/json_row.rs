//! One JSON object as a row: its values as the list writes them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use unicode_normalization::is_nfc;

use super::error::RowError;
use super::json_value;
use super::names::column_name;
use crate::text::{push_json_string, push_member, trim_marks};

/// A JSON object, one value for each column.
#[derive(Debug, Default)]
pub struct JsonRow {
    /// Names and values, one behind the other.
    text: String,
    values: Vec<JsonValue>,
}

/// Where a name and its value are in the text of a row.
#[derive(Debug)]
struct JsonValue {
    name: Range<usize>,
    value: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text, which is kept without quotes and escapes.
    Text,
    /// `null`: a missing value.
    Null,
    /// A number, `true` or `false`, which is kept as it stands.
    Scalar,
    /// A list or an object, which is kept as it stands.
    Nested,
}

impl JsonRow {
    /// Reads a JSON object.
    pub fn parse(json: &str) -> Result<Self, RowError> {
        let mut row = Self::default();
        row.read(json)?;
        Ok(row)
    }

    /// Reads another JSON object in place of this one.
    pub(super) fn read(&mut self, json: &str) -> Result<(), RowError> {
        self.text.clear();
        self.values.clear();
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer
            .deserialize_map(Filling(self))
            .and_then(|()| deserializer.end())
            .map_err(|_| RowError::NotAnObject)?;
        let names = || self.values.iter().map(|value| self.part(&value.name));
        let twice = (1..)
            .zip(names())
            .any(|(next, name)| names().skip(next).any(|n| n == name));
        if twice {
            Err(RowError::TwoValues)
        } else {
            Ok(())
        }
    }

    /// The column's text, or `None` where the row lacks the column or holds something else in it.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        let value = self.find(column)?;
        (value.kind == Kind::Text).then(|| self.part(&value.value))
    }

    /// The column's value as the list writes it, or `None` for a list or an object.
    pub(super) fn written(&self, column: &str) -> Option<&str> {
        let value = self.find(column)?;
        (value.kind != Kind::Nested).then(|| self.part(&value.value))
    }

    /// The column's value as templates calculate with it.
    pub(super) fn value(&self, column: &str) -> Option<minijinja::Value> {
        let value = self.find(column)?;
        let written = self.part(&value.value);
        Some(match value.kind {
            Kind::Text => minijinja::Value::from(written),
            Kind::Null | Kind::Scalar | Kind::Nested => json_value::read(written),
        })
    }

    /// The names of the columns that have a value.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> + Clone {
        self.present().map(|value| self.part(&value.name))
    }

    /// Appends all columns that have a value to a JSON object that is being written.
    pub(super) fn push_members(&self, json: &mut String) {
        for value in self.present() {
            let written = self.part(&value.value);
            push_member(json, self.part(&value.name), |json| match value.kind {
                Kind::Text => push_json_string(json, written),
                Kind::Null | Kind::Scalar | Kind::Nested => json.push_str(written),
            });
        }
    }

    /// Whether there is nothing in any column.
    pub(super) fn is_blank(&self) -> bool {
        self.present()
            .all(|value| value.kind == Kind::Text && trim_marks(self.part(&value.value)).is_empty())
    }

    fn present(&self) -> impl Iterator<Item = &JsonValue> + Clone {
        self.values.iter().filter(|value| value.kind != Kind::Null)
    }

    fn find(&self, column: &str) -> Option<&JsonValue> {
        self.present()
            .find(|value| self.part(&value.name) == column)
    }

    fn part(&self, range: &Range<usize>) -> &str {
        #[expect(
            clippy::expect_used,
            reason = "only `push` makes a range, of what it wrote"
        )]
        self.text.get(range.clone()).expect("a part of the row")
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn push_name(&mut self, name: &str) -> Range<usize> {
        if is_nfc(name) {
            self.push(trim_marks(name))
        } else {
            self.push(&column_name(name))
        }
    }
}

/// Fills a row with the members of an object.
struct Filling<'a>(&'a mut JsonRow);

impl<'de> Visitor<'de> for Filling<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(row) = self;
        while let Some(Text(name)) = members.next_key()? {
            let name = row.push_name(&name);
            let json: &RawValue = members.next_value()?;
            let json = json.get();
            let (kind, value) = match json.as_bytes().first() {
                Some(b'"') => {
                    let text: Text<'_> =
                        serde_json::from_str(json).map_err(serde::de::Error::custom)?;
                    (Kind::Text, row.push(&text.0))
                }
                Some(b'n') => (Kind::Null, row.push("")),
                Some(b'[' | b'{') => (Kind::Nested, row.push(json)),
                _ => (Kind::Scalar, row.push(json)),
            };
            row.values.push(JsonValue { name, value, kind });
        }
        Ok(())
    }
}

/// A text that is copied only where it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> JsonRow {
        JsonRow::parse(json).unwrap()
    }

    #[test]
    fn every_value_is_what_the_list_writes() {
        for (json, written) in [
            ("12.50", "12.50"),
            ("1e5", "1e5"),
            ("-0", "-0"),
            ("1.0", "1.0"),
            ("123456789012345678901234", "123456789012345678901234"),
            ("true", "true"),
            ("false", "false"),
            ("\"\\u65e9 \\\"x\\\"\\n\"", "早 \"x\"\n"),
            ("\"\"", ""),
        ] {
            let row = row(&format!("{{\"to\":\"U1\",\"v\" : {json} }}"));
            assert_eq!(row.written("v"), Some(written), "{json}");
            assert_eq!(row.text("v").is_some(), json.starts_with('"'), "{json}");
        }
    }

    #[test]
    fn a_list_and_an_object_are_no_text() {
        for json in ["[1, 2]", "{\"a\": 1.50}"] {
            let row = row(&format!("{{\"v\":{json}}}"));
            assert_eq!((row.text("v"), row.written("v")), (None, None));
            assert_eq!(row.value("v").unwrap().to_string(), json);
        }
    }

    #[test]
    fn null_is_a_missing_value() {
        let row = row(r#"{"to": null, "name": "x"}"#);
        assert_eq!((row.text("to"), row.written("to")), (None, None));
        assert!(row.value("to").is_none());
        assert_eq!(row.columns().collect::<Vec<_>>(), ["name"]);
    }

    #[test]
    fn a_row_of_nothing_is_blank() {
        for json in ["{}", r#"{"to":null}"#, r#"{"to":"","name":" \u200b"}"#] {
            assert!(row(json).is_blank(), "{json}");
        }
        for json in [
            r#"{"to":0}"#,
            r#"{"a":false}"#,
            r#"{"a":"x"}"#,
            r#"{"a":[]}"#,
        ] {
            assert!(!row(json).is_blank(), "{json}");
        }
    }

    #[test]
    fn names_are_trimmed_and_their_accents_composed() {
        let row = row("{\" to\": \"U1\", \"cafe\u{301}\": \"x\"}");
        assert_eq!((row.text("to"), row.text("café")), (Some("U1"), Some("x")));
    }

    #[test]
    fn what_is_no_object_or_has_two_values_is_refused() {
        for (json, error) in [
            ("[1]", RowError::NotAnObject),
            ("{\"a\":1", RowError::NotAnObject),
            ("{\"a\":1}{\"a\":1}", RowError::NotAnObject),
            ("{\"a\":012}", RowError::NotAnObject),
            ("{\"a\":nul}", RowError::NotAnObject),
            ("{\"a\":\"\\ud83d\"}", RowError::NotAnObject),
            ("", RowError::NotAnObject),
            (r#"{"to":"U1","to":"U2"}"#, RowError::TwoValues),
            (r#"{"to":"U1","to ":null}"#, RowError::TwoValues),
        ] {
            assert_eq!(JsonRow::parse(json).unwrap_err(), error, "{json}");
        }
    }
}
