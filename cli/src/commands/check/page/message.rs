//! One message object as LINE draws it.

use serde_json::Value;

use super::flex;
use super::html::{cards, escaped, field, label, members, named, picture, scrolls};
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
    let chips = chips.collect::<String>();
    format!(
        "<div class=\"quick\" {}>{chips}</div>\n",
        scrolls("Quick replies")
    )
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
    let look = Look::of(template);
    let columns = members(template, "columns").iter();
    match field(template, "type") {
        "buttons" | "confirm" => cards(&card(template, &look)),
        "carousel" => cards(&columns.map(|of| card(of, &look)).collect::<String>()),
        "image_carousel" => cards(&columns.map(image_card).collect::<String>()),
        kind => named(&format!("template {kind}: {}", field(message, "altText"))),
    }
}

/// How a template draws its cards.
struct Look {
    /// The classes of their pictures.
    picture: String,
    /// The class of their actions.
    actions: &'static str,
}

impl Look {
    fn of(template: &Value) -> Self {
        let is_square = field(template, "imageAspectRatio") == "square";
        let is_whole = field(template, "imageSize") == "contain";
        let classes = [("square", is_square), ("whole", is_whole)];
        let classes = classes.iter().filter(|(_, is_so)| *is_so);
        Self {
            picture: classes.fold("thumbnail".into(), |all, (name, _)| format!("{all} {name}")),
            // LINE draws the two of a confirm template side by side.
            actions: if field(template, "type") == "confirm" {
                "beside"
            } else {
                "below"
            },
        }
    }
}

fn card(of: &Value, look: &Look) -> String {
    let image = match field(of, "thumbnailImageUrl") {
        "" => String::new(),
        image => picture(image, &look.picture, ""),
    };
    let texts = [("title", "b"), ("text", "p")].map(|(name, tag)| match field(of, name) {
        "" => String::new(),
        text => format!("<{tag}>{}</{tag}>", escaped(text)),
    });
    let actions = members(of, "actions").iter();
    let actions = actions.map(|action| format!("<span class=\"action\">{}</span>", label(action)));
    let (texts, actions) = (texts.concat(), actions.collect::<String>());
    let place = look.actions;
    format!("<div class=\"card\">{image}{texts}<div class=\"{place}\">{actions}</div></div>")
}

/// A square picture with its label on it.
fn image_card(of: &Value) -> String {
    let image = picture(field(of, "imageUrl"), "thumbnail square", "");
    let label = of.get("action").map(label).unwrap_or_default();
    format!("<div class=\"card image\">{image}<span>{label}</span></div>")
}
