//! The template engine, set up for messages.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::date::datetimeformat;
use super::number::written;
use super::value::{NoText, spelling};

/// The engine's own filters that make a text of a value. They write `true` as `True`.
const TEXT_FILTERS: [&str; 13] = [
    "capitalize",
    "format",
    "indent",
    "join",
    "lines",
    "lower",
    "replace",
    "split",
    "string",
    "title",
    "trim",
    "upper",
    "urlencode",
];

/// Those of them whose arguments are texts too.
const OF_TEXTS: [&str; 2] = ["format", "replace"];

/// What one text may cost, in the engine's steps. A loop in a loop would never end otherwise. The
/// longest text that LINE takes, built letter by letter, needs a tenth of this.
const MAX_STEPS: u64 = 500_000;

/// What is said of a text that needs more.
pub(super) const TOO_MANY_STEPS: &str = "takes too many steps: a loop runs too often";

/// An engine without templates. A value that is missing is an error, and so is a value that is no
/// text.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = bare_engine();
    // Both show what a person can make nothing of, `debug` every value of the row.
    engine.remove_global("debug");
    engine.remove_filter("pprint");
    for name in TEXT_FILTERS {
        engine.add_filter(
            name,
            move |state: &State<'_, '_>, arguments: Rest<Value>| {
                filter_texts(state, name, arguments)
            },
        );
    }
    engine.add_filter("tojson", to_json);
    engine.add_filter("datetimeformat", datetimeformat);
    engine.set_formatter(write_value);
    engine.set_fuel(Some(MAX_STEPS));
    engine
}

/// Templates as they are written: the engine would drop a line end at the end.
pub(super) fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    #[expect(clippy::expect_used, reason = "the marks are the engine's own")]
    syntax.build().expect("the default marks fit together")
}

fn bare_engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_syntax(syntax());
    engine
}

fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Number => match written(state, value) {
            Some(written) => out.write_str(&written).map_err(Error::from),
            None => minijinja::escape_formatter(out, state, value),
        },
        ValueKind::String => minijinja::escape_formatter(out, state, value),
        // An `if` without an `else`, which writes nothing. Any other missing value is an error
        // before it comes here.
        ValueKind::Undefined => Ok(()),
        _ => out.write_str(&spelling(value)?).map_err(Error::from),
    }
}

/// The engine's own filter `name`, for values that are texts.
fn filter_texts(
    state: &State<'_, '_>,
    name: &str,
    Rest(mut arguments): Rest<Value>,
) -> Result<Value, Error> {
    static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(bare_engine);
    let texts = if OF_TEXTS.contains(&name) {
        arguments.len()
    } else {
        1
    };
    for argument in arguments.iter_mut().take(texts) {
        // `format` takes numbers as numbers: `%.2f`.
        if argument.kind() == ValueKind::Number && name != "format" {
            if let Some(written) = written(state, argument) {
                *argument = written.into();
            }
        } else if let Some(text) = as_text(argument)? {
            *argument = text;
        }
    }
    ENGINE.empty_state().apply_filter(name, &arguments)
}

/// What a filter takes in place of a value that the engine would spell in its own way.
fn as_text(value: &Value) -> Result<Option<Value>, NoText> {
    Ok(match value.kind() {
        ValueKind::Bool => Some(spelling(value)?.into_owned().into()),
        ValueKind::None => return Err(NoText::Nothing),
        ValueKind::Seq => {
            let items = value.try_iter().into_iter().flatten();
            let text = |item: Value| Ok(as_text(&item)?.unwrap_or(item));
            Some(items.map(text).collect::<Result<Value, NoText>>()?)
        }
        _ => None,
    })
}

/// Compact JSON. The engine's own filter also escapes what HTML would mind, such as `&`.
fn to_json(value: &Value) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorKind::BadSerialization, "the value can't be JSON"))
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn render(source: &str) -> Result<String, Error> {
        let list = vec![Value::from(true), Value::from("a"), Value::from(2)];
        let empty = vec![Value::from(())];
        engine().render_str(
            source,
            context! {yes => true, name => "王 小明&co", list, empty, map => context! {a => 1}},
        )
    }

    #[test]
    fn a_value_that_is_no_text_is_written_as_people_do() {
        for (source, expected) in [
            ("{{ yes }} {{ not yes }}", "true false"),
            (
                "{{ yes|upper }} {{ yes|string }} {{ yes|title }}",
                "TRUE true True",
            ),
            ("{{ list|join(', ') }}", "true, a, 2"),
            ("{{ '%s'|format(yes) }}", "true"),
            ("{{ 'x is y'|replace('y', yes) }}", "x is true"),
            ("{{ name|split(none, 1)|first }}", "王"),
            ("{{ 'a\nb'|indent(2, true) }}", "  a\n  b"),
            ("{{ name|tojson }}", "\"王 小明&co\""),
            ("{{ list|tojson }}", "[true,\"a\",2]"),
            (
                "{{ name|urlencode }}",
                "%E7%8E%8B%20%E5%B0%8F%E6%98%8E%26co",
            ),
            ("{{ 'a' if not yes }}", ""),
            ("Hi\r\n\n", "Hi\r\n\n"),
        ] {
            assert_eq!(render(source).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn what_people_can_make_nothing_of_is_an_error() {
        for source in [
            "{{ none }}",
            "{{ none|upper }}",
            "{{ empty|join }}",
            "{{ list }}",
            "{{ map }}",
            "{{ range(3) }}",
            "{{ list|reverse }}",
            "{{ name|split }}",
            "{{ missing }}",
            "{{ missing|upper }}",
            "{{ debug() }}",
            "{{ map|pprint }}",
        ] {
            assert!(render(source).is_err(), "{source}");
        }
    }
}
