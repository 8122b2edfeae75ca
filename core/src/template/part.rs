//! The parts of compiled messages, and the quick way to fill most of them.

use crate::list::{Row, RowError};
use crate::text::{push_json_chars, utf16_len};

use super::limit::Limit;

/// A part of the messages' JSON.
#[derive(Debug)]
pub(super) enum Part {
    /// JSON that is the same for every row.
    Fixed(String),
    /// A string that depends on the row.
    Text {
        /// The string's path in the campaign.
        field: String,
        limit: Limit,
        content: Content,
    },
}

/// How a string that depends on the row is made.
#[derive(Debug)]
pub(super) enum Content {
    /// From texts and columns, without the engine: see [`columns_only`].
    Pieces(Vec<Piece>),
    /// By the engine, which knows the template by the string's field.
    Engine,
}

/// A piece of a string that depends on the row.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// Text, as it stands inside a JSON string, and its length.
    Text { json: String, utf16: usize },
    /// The value of this column.
    Column(String),
}

impl Piece {
    fn text(text: &str) -> Option<Self> {
        let mut json = String::new();
        push_json_chars(&mut json, text);
        let utf16 = utf16_len(text);
        (utf16 > 0).then_some(Self::Text { json, utf16 })
    }
}

/// Whether the text holds anything that the engine would not take as it stands.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Words that mean something else to the engine than a column of that name.
const RESERVED: [&str; 13] = [
    "true", "false", "none", "True", "False", "None", "loop", "self", "super", "caller", "varargs",
    "kwargs", "not",
];

/// The pieces of a template that only puts columns into text, or `None` for any other template.
///
/// Nearly all templates are of this kind, and [`fill`] is much quicker than the engine.
pub(super) fn columns_only(template: &str) -> Option<Vec<Piece>> {
    // The engine drops one line end at a template's end.
    if template.contains("{%") || template.contains("{#") || template.ends_with(['\n', '\r']) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}")?;
        let column = inside.trim_matches(' ');
        if !is_name(column) || RESERVED.contains(&column) {
            return None;
        }
        pieces.extend(Piece::text(before));
        pieces.push(Piece::Column(column.to_owned()));
        rest = behind;
    }
    pieces.extend(Piece::text(rest));
    Some(pieces)
}

fn is_name(text: &str) -> bool {
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.bytes().all(in_name) && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Appends the pieces to `json` with the row's values in them, and returns their length.
pub(super) fn fill(pieces: &[Piece], row: &Row<'_>, json: &mut String) -> Result<usize, RowError> {
    let mut length = 0;
    for piece in pieces {
        match piece {
            Piece::Text { json: text, utf16 } => {
                json.push_str(text);
                length += utf16;
            }
            Piece::Column(column) => {
                if let Some(text) = row.text(column) {
                    push_json_chars(json, text);
                    length += utf16_len(text);
                } else {
                    // A number, a boolean or a list of NDJSON: written as the engine writes it.
                    let value = row
                        .value(column)
                        .ok_or_else(|| RowError::Missing(column.clone()))?;
                    let text = value.to_string();
                    push_json_chars(json, &text);
                    length += utf16_len(&text);
                }
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::{Environment, UndefinedBehavior};
    use proptest::prelude::*;
    use serde_json::json;

    fn any_column() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "{{ a }}",
            "{{b}}",
            "{{  a}}",
            "{{ true }}",
            "{{- a }}",
            "{{ 1 }}",
            "{{}}",
        ])
    }

    proptest! {
        /// Otherwise a template would change its meaning when it gets a filter.
        #[test]
        fn columns_in_text_are_filled_as_the_engine_renders_them(
            texts in prop::collection::vec("[a-z{}%#早\"\\\\\n -]{0,5}", 1..4),
            columns in prop::collection::vec(any_column(), 0..4),
            a in "\\PC{0,4}", b in "[\"\\\\\u{fffe}\n a-z]{0,4}",
        ) {
            let mut source = String::new();
            for (text, column) in texts.iter().zip(columns.iter().chain([&""; 4])) {
                source.push_str(text);
                source.push_str(column);
            }
            let Some(pieces) = columns_only(&source) else { return Ok(()) };
            let row = json!({"a": a, "b": b});
            let mut engine = Environment::new();
            engine.set_undefined_behavior(UndefinedBehavior::Strict);
            let row_value = minijinja::value::Serde(&row);
            let expected = engine.render_str(&source, row_value).unwrap();
            let mut json = String::from("\"");
            let length = fill(&pieces, &Row::Json(row.as_object().unwrap()), &mut json).unwrap();
            json.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), &*expected);
            prop_assert_eq!(length, utf16_len(&expected));
        }
    }
}
