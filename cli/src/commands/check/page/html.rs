//! HTML, with every value escaped.

use serde_json::Value;

/// The text as it stands in HTML, between tags or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// The field's text, or nothing.
pub(super) fn field<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The members of a list, or none.
pub(super) fn members<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    let list = object.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A picture. Where it can't be loaded, its address stands there.
pub(super) fn picture(url: &str, class: &str, style: &str) -> String {
    if !url.starts_with("https://") {
        return named(&format!("picture {url}"));
    }
    let url = escaped(url);
    format!(
        "<img class=\"{class}\" style=\"{style}\" src=\"{url}\" alt=\"{url}\" \
         referrerpolicy=\"no-referrer\">"
    )
}

/// Cards side by side.
pub(super) fn cards(html: &str) -> String {
    format!("<div class=\"cards\" {}>{html}</div>", scrolls("Cards"))
}

/// The attributes of an element that scrolls sideways: without a mouse it is reached with Tab.
pub(super) fn scrolls(name: &str) -> String {
    format!("tabindex=\"0\" role=\"group\" aria-label=\"{name}\"")
}

/// What can't be drawn.
pub(super) fn named(what: &str) -> String {
    format!("<div class=\"named\">{}</div>", escaped(what))
}

/// What stands on a button of this action.
pub(super) fn label(action: &Value) -> String {
    let label = field(action, "label");
    escaped(if label.is_empty() {
        field(action, "type")
    } else {
        label
    })
}
