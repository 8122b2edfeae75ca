//! LINE's rules for message objects, from outside.

mod anything;
mod openapi;
mod refused;
mod rows;
mod valid;

use serde_json::{Map, Value};

/// A message of each type with every field that LINE documents, by its name in `good.json`.
fn good() -> Map<String, Value> {
    serde_json::from_str(include_str!("line_messages/good.json")).unwrap()
}

/// The JSON pointer of a problem's property in the array of messages.
fn pointer(property: &str) -> String {
    let path = property.strip_prefix("messages").unwrap();
    path.replace('[', "/").replace(']', "").replace('.', "/")
}
