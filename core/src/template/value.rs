//! Values of a row, as templates and people see them.

use std::borrow::Cow;

use minijinja::value::{Value, ValueKind};

use crate::line_message::double_braces;

/// Why a value can't stand in a text. It is the end of a sentence, and holds no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoText {
    /// The value is `null`, or nothing in the engine's sense.
    #[error("puts in a value that is missing; write `|default('…')` behind it for another text")]
    Nothing,
    /// The value is a list.
    #[error("puts in a list; join it with `|join(', ')`, or write it as JSON with `|tojson`")]
    List,
    /// The value is an object.
    #[error("puts in an object; name a field of it, or write it as JSON with `|tojson`")]
    Object,
    /// The value is `true` or `false`, and it is joined to a text.
    #[error(
        "joins `true` or `false` with `~`; write `{{ 'yes' if … else 'no' }}` with your own words"
    )]
    Truth,
    /// A date filter got something else.
    #[error("puts in a date that can't be read: write dates as `2026-12-25`")]
    Date,
}

impl From<NoText> for minijinja::Error {
    fn from(error: NoText) -> Self {
        Self::new(minijinja::ErrorKind::InvalidOperation, "no text").with_source(error)
    }
}

/// How `value` is written into a text. `true` and `false` are written as in JSON.
pub(super) fn spelling(value: &Value) -> Result<Cow<'_, str>, NoText> {
    match value.kind() {
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.into()),
        ValueKind::Undefined | ValueKind::None => Err(NoText::Nothing),
        ValueKind::String | ValueKind::Number => Ok(value
            .as_str()
            .map_or_else(|| value.to_string().into(), Cow::Borrowed)),
        ValueKind::Map | ValueKind::Plain => Err(NoText::Object),
        _ => Err(NoText::List),
    }
}

/// `value` with the braces of every text in it doubled, for the text of a `textV2` message.
pub(super) fn with_doubled_braces(value: Value) -> Value {
    if let Some(text) = value.as_str() {
        return match double_braces(text) {
            Cow::Borrowed(_) => value,
            Cow::Owned(doubled) => doubled.into(),
        };
    }
    match value.kind() {
        ValueKind::Seq => {
            let items = value.try_iter().into_iter().flatten();
            items.map(with_doubled_braces).collect()
        }
        ValueKind::Map => {
            let keys = value.try_iter().into_iter().flatten();
            let pairs = keys.map(|key| {
                let item = value.get_item(&key).unwrap_or_default();
                (with_doubled_braces(key), with_doubled_braces(item))
            });
            pairs.collect::<std::collections::BTreeMap<_, _>>().into()
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_written_as_the_list_writes_it_or_not_at_all() {
        for (json, written) in [
            (json!("早安"), Ok("早安")),
            (json!(""), Ok("")),
            (json!(7), Ok("7")),
            (json!(-1.5), Ok("-1.5")),
            (json!(true), Ok("true")),
            (json!(false), Ok("false")),
            (json!(null), Err(NoText::Nothing)),
            (json!(["a"]), Err(NoText::List)),
            (json!({"a": 1}), Err(NoText::Object)),
        ] {
            let value: Value = Serde(&json).into();
            assert_eq!(
                spelling(&value).as_deref(),
                written.as_ref().map(|text| *text),
                "{json}"
            );
        }
        assert_eq!(spelling(&Value::UNDEFINED), Err(NoText::Nothing));
    }

    #[test]
    fn braces_are_doubled_in_every_text_of_a_value() {
        let json = json!({"a{": ["{b}", 1, null, true], "c": {"d": "}"}});
        let value = with_doubled_braces(Serde(&json).into());
        let doubled = serde_json::to_value(&value).unwrap();
        assert_eq!(
            doubled,
            json!({"a{{": ["{{b}}", 1, null, true], "c": {"d": "}}"}})
        );
    }
}
