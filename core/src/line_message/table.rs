//! Tables of tests: a message, and what becomes of it when one field is changed.

use serde_json::{Value, json};

use super::problem::Problem;
use super::{MessageRules, problems};

/// Checks `base`, and `base` with one field set as each line of `rows` says:
///
/// ```text
/// field | value | what is found
/// ```
///
/// - The field is a JSON pointer. If the problem is found at another field, that one's pointer
///   follows after a space.
/// - The value is JSON. `x*20` is a text of 20 times `x`, `3 items` the list with its first item
///   three times, `url of 2000` a URL with so many characters. `null` is a field that is not there.
/// - What is found is nothing, or the beginning of the one problem, or `?` and the beginning of a
///   warning.
pub(super) fn check(base: &Value, rows: &str) {
    assert_eq!(found(base), (vec![], vec![]), "the message itself");
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let mut cells = row.splitn(3, '|').map(str::trim);
        let mut cell = || cells.next().unwrap_or_else(|| panic!("three cells: {row}"));
        let (fields, value, expected) = (cell(), cell(), cell());
        let (field, at) = fields.split_once(' ').unwrap_or((fields, fields));
        let mut message = base.clone();
        put(&mut message, field, read(base, field, value));
        let (problems, warnings) = found(&message);
        let shown = format!("{row}: {problems:#?} {warnings:#?}");
        match expected.strip_prefix('?') {
            Some(start) => {
                assert_eq!(problems, [], "{shown}");
                assert!(has(&warnings, at, start), "{shown}");
            }
            None if expected.is_empty() => {
                assert_eq!((problems, warnings), (vec![], vec![]), "{shown}");
            }
            None => {
                assert!(has(&problems, at, expected), "{shown}");
                assert_eq!(problems.len(), 1, "{shown}");
            }
        }
    }
}

/// [`check`] for rows whose fields are inside the field `within`.
pub(super) fn check_within(base: &Value, within: &str, rows: &str) {
    let rows: Vec<_> = rows
        .lines()
        .filter_map(|row| row.split_once('|'))
        .map(|(fields, rest)| {
            let inside = fields
                .split_whitespace()
                .map(|field| format!("{within}{field}"));
            format!("{}|{rest}", inside.collect::<Vec<_>>().join(" "))
        })
        .collect();
    check(base, &rows.join("\n"));
}

/// Everything found in one message: problems, warnings.
fn found(message: &Value) -> (Vec<Problem>, Vec<Problem>) {
    let message = std::slice::from_ref(message);
    match MessageRules::compile(message, &|_| None) {
        Ok(rules) => {
            assert_eq!(problems(message), []);
            (vec![], rules.warnings().to_vec())
        }
        Err(found) => {
            assert_eq!(problems(message), found);
            (found, vec![])
        }
    }
}

fn has(found: &[Problem], pointer: &str, start: &str) -> bool {
    let property = property(pointer);
    let is_it = |p: &Problem| p.property == property && p.problem.starts_with(start);
    found.iter().any(is_it)
}

/// The path of the field at `pointer` in the first message.
fn property(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| {
        let is_index = part.parse::<usize>().is_ok();
        if is_index {
            format!("[{part}]")
        } else {
            format!(".{part}")
        }
    });
    parts.fold("messages[0]".into(), |path, part| path + &part)
}

fn read(base: &Value, field: &str, value: &str) -> Value {
    if let Ok(value) = serde_json::from_str(value) {
        return value;
    }
    if let Some((text, n)) = value.rsplit_once('*') {
        return json!(text.repeat(n.parse().expect("how often")));
    }
    if let Some(n) = value.strip_prefix("url of ") {
        let start = "https://example.com/";
        let n: usize = n.parse().expect("how many characters");
        return json!(format!("{start}{}", "a".repeat(n - start.len())));
    }
    if let Some(n) = value.strip_suffix(" items") {
        let first = base.pointer(&format!("{field}/0")).expect("a first item");
        return json!(vec![first; n.parse().expect("how many items")]);
    }
    panic!("no value: {value}");
}

fn put(message: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match message.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.insert(name.into(), value);
        }
        Some(Value::Array(items)) => items[name.parse::<usize>().expect("an index")] = value,
        _ => panic!("no field {pointer}"),
    }
}
