//! Whatever a campaign holds: no panic, and each problem names a field.

use fanline_core::line_message::{MessageRules, problems};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::{good, pointer};

/// The keys and the strings of all good messages, so that random JSON meets the rules.
fn words() -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::String(text) => words.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Object(object) => {
                for (key, value) in object {
                    words.push(key.clone());
                    collect(value, words);
                }
            }
            _ => {}
        }
    }
    let mut words = vec![
        "<x>".into(),
        "https://<x>".into(),
        String::new(),
        "a.b[0]/~".into(),
    ];
    collect(&Value::Object(good()), &mut words);
    words.sort();
    words.dedup();
    words
}

fn json() -> impl Strategy<Value = Value> {
    let word = || select(words());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inside| {
        let object = prop::collection::vec((word(), inside.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inside, 0..8).prop_map(Value::from),
            object.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A good message with one part of it changed into anything.
fn broken() -> impl Strategy<Value = Value> {
    let messages: Vec<_> = good().into_iter().map(|(_, message)| message).collect();
    (select(messages), any::<prop::sample::Index>(), json()).prop_map(|(mut message, at, part)| {
        let mut pointers = Vec::new();
        parts(&message, "", &mut pointers);
        *message
            .pointer_mut(&pointers[at.index(pointers.len())])
            .unwrap() = part;
        message
    })
}

fn parts(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                parts(item, &format!("{at}/{i}"), found);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                parts(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// Whether the field stands in `messages`, or would stand in an object that does.
fn names_a_field(messages: &Value, property: &str) -> bool {
    let pointer = pointer(property);
    messages.pointer(&pointer).is_some()
        || pointer
            .rsplit_once('/')
            .is_some_and(|(parent, _)| messages.pointer(parent).is_some_and(Value::is_object))
}

/// A key with a dot, a bracket or a slash makes a property that does not tell where it stands.
fn has_plain_keys(value: &Value) -> bool {
    let is_plain = |object: &Map<String, Value>| {
        let mut fields = object.iter();
        fields.all(|(key, value)| !key.contains(['.', '[', ']', '/', '~']) && has_plain_keys(value))
    };
    match value {
        Value::Array(items) => items.iter().all(has_plain_keys),
        Value::Object(object) => is_plain(object),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_json_panics_and_every_problem_names_a_field(
        message in prop_oneof![json(), broken()], twice in any::<bool>(),
    ) {
        let messages = vec![message; if twice { 2 } else { 1 }];
        let mut found = problems(&messages);
        let prefix = |text: &str| text.find('<').map(|at| text[..at].len());
        let templates = MessageRules::compile(&messages, &|text| Some(&text[..prefix(text)?]));
        match templates {
            Ok(rules) => {
                found.extend(rules.warnings().iter().cloned());
                for (index, field) in rules.fields().iter().enumerate() {
                    drop(rules.row().field(index, field.property()));
                }
                drop(rules.row().finish("[{}]"));
                drop(rules.row().finish("no JSON"));
            }
            Err(more) => found.extend(more),
        }
        let tree = Value::Array(messages);
        if has_plain_keys(&tree) {
            for problem in found {
                prop_assert!(names_a_field(&tree, &problem.property), "{} {}", problem, tree);
            }
        }
    }
}
