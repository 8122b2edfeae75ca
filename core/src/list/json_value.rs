//! A JSON value for the template engine: it calculates with numbers and looks into lists and
//! objects, and prints what the list writes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::value::RawValue;

/// Lists and objects that are deeper in others are missing values. No template looks so deep.
const MAX_DEPTH: u32 = 32;

/// The value of JSON that is known to be valid. `null` is a missing value.
pub(super) fn read(json: &str) -> Value {
    read_within(json, MAX_DEPTH)
}

fn read_within(json: &str, depth: u32) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return Value::UNDEFINED;
    };
    match json.as_bytes().first() {
        Some(b't') => Value::from(true),
        Some(b'f') => Value::from(false),
        Some(b'"') => serde_json::from_str::<String>(json).map_or(Value::UNDEFINED, Value::from),
        Some(b'[') => list(json, depth).map_or(Value::UNDEFINED, Value::from_object),
        Some(b'{') => object(json, depth).map_or(Value::UNDEFINED, Value::from_object),
        Some(b'n') | None => Value::UNDEFINED,
        Some(_) => number(json),
    }
}

/// A number. The engine has whole numbers of 128 bits, and floats for all others.
fn number(json: &str) -> Value {
    if let Ok(whole) = json.parse::<i128>() {
        return match i64::try_from(whole) {
            Ok(small) => Value::from(small),
            Err(_) => Value::from(whole),
        };
    }
    match json.parse::<u128>() {
        Ok(whole) => Value::from(whole),
        Err(_) => json.parse::<f64>().map_or(Value::UNDEFINED, Value::from),
    }
}

#[derive(Debug)]
struct JsonList {
    json: String,
    items: Vec<Value>,
}

fn list(json: &str, depth: u32) -> Option<JsonList> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(JsonList {
        json: json.to_owned(),
        items: items
            .into_iter()
            .map(|item| read_within(item.get(), depth))
            .collect(),
    })
}

impl Object for JsonList {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json)
    }
}

#[derive(Debug)]
struct JsonObject {
    json: String,
    members: BTreeMap<String, Value>,
}

fn object(json: &str, depth: u32) -> Option<JsonObject> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    let values = members
        .into_iter()
        .map(|(name, value)| (name, read_within(value.get(), depth)))
        .filter(|(_, value)| !value.is_undefined());
    Some(JsonObject {
        json: json.to_owned(),
        members: values.collect(),
    })
}

impl Object for JsonObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.members.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.members.keys().map(Value::from).collect())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::Environment;

    fn rendered(template: &str, json: &str) -> String {
        let engine = Environment::new();
        let context = BTreeMap::from([("v", read(json))]);
        engine.render_str(template, context).unwrap()
    }

    #[test]
    fn templates_calculate_with_numbers_and_look_into_lists_and_objects() {
        for (template, json, text) in [
            ("{{ v + 1 }}", "41", "42"),
            ("{{ v < 100 }}", "12.50", "True"),
            (
                "{{ v }}",
                "123456789012345678901234",
                "123456789012345678901234",
            ),
            (
                "{{ v }}",
                "340282366920938463463374607431768211455",
                &u128::MAX.to_string(),
            ),
            ("{{ v }}", "-9223372036854775809", "-9223372036854775809"),
            ("{% if v %}yes{% endif %}", "false", ""),
            ("{{ v }}", "[1, 2.50]", "[1, 2.50]"),
            (
                "{{ v[0] }}{% for i in v %}<{{ i }}>{% endfor %}",
                "[1, \"b\"]",
                "1<1><b>",
            ),
            (
                "{{ v.a }} {{ v }}",
                "{\"a\": \"x\", \"b\": null}",
                "x {\"a\": \"x\", \"b\": null}",
            ),
            ("{{ v.b }}", "{\"a\": 1, \"b\": null}", ""),
            ("{{ v|length }}", "[[], {}]", "2"),
        ] {
            assert_eq!(rendered(template, json), text, "{template} {json}");
        }
    }

    #[test]
    fn a_list_of_any_depth_can_be_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(rendered("{{ v|length }}", &deep), "1");
    }
}
