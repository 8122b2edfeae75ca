//! A Flex Message: boxes in boxes.
//! <https://developers.line.biz/en/docs/messaging-api/flex-message-layout/>

use serde_json::Value;

use super::html::{cards, escaped, field, label, members, named, picture};

mod style;

use style::{Layout, Styles};

/// A bubble, or a carousel of bubbles.
pub(super) fn draw(contents: &Value) -> String {
    match field(contents, "type") {
        "bubble" => bubble(contents),
        "carousel" => {
            let bubbles: String = members(contents, "contents").iter().map(bubble).collect();
            cards(&bubbles)
        }
        kind => named(&format!("flex {kind}")),
    }
}

fn bubble(bubble: &Value) -> String {
    let width = style::bubble_width(field(bubble, "size"));
    let direction = if field(bubble, "direction") == "rtl" {
        "rtl"
    } else {
        "ltr"
    };
    let blocks = ["header", "hero", "body", "footer"];
    let blocks = blocks.map(|name| block(bubble, name)).concat();
    format!("<div class=\"flex\" dir=\"{direction}\" style=\"width:{width}px\">{blocks}</div>")
}

/// The header, hero, body or footer of a bubble, if it has one.
fn block(bubble: &Value, name: &str) -> String {
    let Some(block) = bubble.get(name) else {
        return String::new();
    };
    let mut styles = Styles::default();
    let of_block = bubble.get("styles").and_then(|all| all.get(name));
    if let Some(of_block) = of_block {
        styles.color("background-color", field(of_block, "backgroundColor"));
    }
    let component = component(block, Layout::Vertical);
    format!("<div class=\"{name}\" style=\"{styles}\">{component}</div>")
}

/// A component in a box of this layout.
fn component(of: &Value, parent: Layout) -> String {
    let mut styles = Styles::default();
    styles.place(of, parent);
    match field(of, "type") {
        "box" => boxed(of, styles),
        "text" => text(of, styles),
        "image" => image(of, &styles),
        "button" => button(of, styles),
        "separator" => {
            styles.color("border-color", field(of, "color"));
            format!(
                "<div class=\"line {}\" style=\"{styles}\"></div>",
                parent.name()
            )
        }
        "icon" => {
            styles.text_size(field(of, "size"));
            picture(field(of, "url"), "icon", &styles.to_string())
        }
        "video" => format!(
            "<div class=\"video\">{}<span>▶</span></div>",
            picture(field(of, "previewUrl"), "wide", "")
        ),
        "filler" | "spacer" => "<div style=\"flex:1\"></div>".into(),
        kind => named(kind),
    }
}

fn boxed(of: &Value, mut styles: Styles) -> String {
    let layout = Layout::of(field(of, "layout"));
    styles.boxed(of);
    let contents = members(of, "contents").iter();
    let contents: String = contents.map(|child| component(child, layout)).collect();
    format!(
        "<div class=\"box {}\" style=\"{styles}\">{contents}</div>",
        layout.name()
    )
}

fn text(of: &Value, mut styles: Styles) -> String {
    styles.text(of);
    let spans = members(of, "contents");
    let inner = if spans.is_empty() {
        escaped(field(of, "text"))
    } else {
        spans.iter().map(span).collect()
    };
    let wraps = of.get("wrap").and_then(Value::as_bool) == Some(true);
    let class = if wraps { "wraps" } else { "cut" };
    format!("<div class=\"{class}\" style=\"{styles}\">{inner}</div>")
}

fn span(of: &Value) -> String {
    let mut styles = Styles::default();
    styles.text(of);
    format!(
        "<span style=\"{styles}\">{}</span>",
        escaped(field(of, "text"))
    )
}

fn image(of: &Value, styles: &Styles) -> String {
    let mut inner = Styles::default();
    inner.picture(of);
    let picture = picture(field(of, "url"), "", &inner.to_string());
    format!("<div class=\"picture\" style=\"{styles}\">{picture}</div>")
}

fn button(of: &Value, mut styles: Styles) -> String {
    let kind = match field(of, "style") {
        kind @ ("primary" | "secondary") => kind,
        _ => "link",
    };
    let property = if kind == "link" {
        "color"
    } else {
        "background-color"
    };
    styles.color(property, field(of, "color"));
    let height = if field(of, "height") == "sm" {
        "sm"
    } else {
        "md"
    };
    let label = of.get("action").map(label).unwrap_or_default();
    format!("<div class=\"button {kind} {height}\" style=\"{styles}\">{label}</div>")
}
