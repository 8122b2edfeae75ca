//! One message object as LINE draws it.

use serde_json::Value;

use super::flex;
use super::html::{escaped, field, label, members, named, picture};
use super::text;

/// The message. What can't be drawn is named.
pub(super) fn draw(message: &Value) -> String {
    let name = message
        .get("sender")
        .map_or("", |sender| field(sender, "name"));
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("<div class=\"sender\">{}</div>", escaped(name))
    };
    let drawn = match field(message, "type") {
        "text" => bubble(&text::text(message)),
        "textV2" => bubble(&text::text_v2(message)),
        "sticker" => format!(
            "<div class=\"sticker\">sticker<br>{} / {}</div>",
            escaped(field(message, "packageId")),
            escaped(field(message, "stickerId"))
        ),
        "image" => picture(field(message, "originalContentUrl"), "photo", ""),
        "video" => format!(
            "<div class=\"video\">{}<span>▶</span></div>",
            picture(field(message, "previewImageUrl"), "photo", "")
        ),
        "audio" => bubble(&format!("▶ {}", duration(message))),
        "location" => bubble(&format!(
            "📍 <b>{}</b>\n{}",
            escaped(field(message, "title")),
            escaped(field(message, "address"))
        )),
        "template" => template(message),
        "flex" => flex::draw(message.get("contents").unwrap_or(&Value::Null)),
        // LINE Notify's messages have no type.
        "" => bubble(&escaped(field(message, "message").trim_start_matches('\n'))),
        kind => named(&format!("{kind}: {}", field(message, "altText"))),
    };
    format!("<div class=\"message\">{name}{drawn}</div>\n")
}

/// The quick replies below the last message.
pub(super) fn quick_replies(message: &Value) -> String {
    let items = message
        .get("quickReply")
        .map_or(&[][..], |of| members(of, "items"));
    if items.is_empty() {
        return String::new();
    }
    let chips = items.iter().filter_map(|item| item.get("action"));
    let chips = chips.map(|action| format!("<span>{}</span>", label(action)));
    format!("<div class=\"quick\">{}</div>\n", chips.collect::<String>())
}

fn bubble(html: &str) -> String {
    format!("<div class=\"bubble\">{html}</div>")
}

fn duration(message: &Value) -> String {
    let millis = message
        .get("duration")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    let seconds = std::time::Duration::try_from_secs_f64(millis / 1000.0);
    let seconds = seconds.map_or(0, |of| of.as_secs());
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn template(message: &Value) -> String {
    let Some(template) = message.get("template") else {
        return named("template");
    };
    let cards: String = match field(template, "type") {
        "buttons" | "confirm" => card(template),
        "carousel" => members(template, "columns").iter().map(card).collect(),
        "image_carousel" => members(template, "columns")
            .iter()
            .map(image_card)
            .collect(),
        kind => named(&format!("template {kind}: {}", field(message, "altText"))),
    };
    format!("<div class=\"cards\">{cards}</div>")
}

fn card(of: &Value) -> String {
    let image = match field(of, "thumbnailImageUrl") {
        "" => String::new(),
        image => picture(image, "thumbnail", ""),
    };
    let texts = [("title", "b"), ("text", "p")].map(|(name, tag)| match field(of, name) {
        "" => String::new(),
        text => format!("<{tag}>{}</{tag}>", escaped(text)),
    });
    let actions = members(of, "actions").iter();
    let actions = actions.map(|action| format!("<span class=\"action\">{}</span>", label(action)));
    let (texts, actions) = (texts.concat(), actions.collect::<String>());
    format!("<div class=\"card\">{image}{texts}{actions}</div>")
}

fn image_card(of: &Value) -> String {
    let image = picture(field(of, "imageUrl"), "thumbnail", "");
    let label = of.get("action").map(label).unwrap_or_default();
    format!("<div class=\"card\">{image}<span class=\"action\">{label}</span></div>")
}
