//! Flex Messages: containers.

use std::ops::Range;

use serde_json::{Map, Value};

use super::action::FLEX_ACTION;
use super::field::size::MaxSize;
use super::problem::Validator;
use super::walk::Walk;
use super::walk::schema::{
    Choice, Field, List, Rule, Shape, one_of, optional, pattern, reference, required,
};

mod component;
mod style;

use component::{BLOCK, HERO};
pub(super) use style::COLOUR;

pub(super) static CONTAINER: Choice = Choice {
    what: "container",
    reference: reference!("container"),
    shapes: &[&BUBBLE, &CAROUSEL],
    common: &[],
};

static BUBBLE: Shape = Shape::typed(
    "bubble",
    "container",
    reference!("bubble"),
    &[&[
        optional("size", one_of(BUBBLE_SIZES)),
        optional("direction", one_of(&["ltr", "rtl"])),
        optional("header", Rule::OneOf(&BLOCK)),
        optional("hero", Rule::OneOf(&HERO)),
        optional("body", Rule::OneOf(&BLOCK)),
        optional("footer", Rule::OneOf(&BLOCK)),
        optional("styles", Rule::Object(&BUBBLE_STYLES)),
        optional("action", Rule::OneOf(&FLEX_ACTION)),
    ]],
)
.checked_by(Validator::Flex)
.also(check_bubble);

const BUBBLE_SIZES: &[&str] = &["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"];

/// The size of a bubble that names none.
const DEFAULT_BUBBLE_SIZE: &str = "mega";

const MAX_BUBBLE: MaxSize = MaxSize {
    kb: 30,
    what: "bubble",
};

fn check_bubble(walk: &mut Walk<'_>, bubble: &Map<String, Value>, fields: Range<usize>) {
    if has_video(bubble) {
        if walk.is_templated(bubble, "size") {
            walk.leave_whole();
        } else if !["kilo", "mega", "giga"].contains(&bubble_size(bubble)) {
            walk.refuse_at(
                "size",
                "is too small for a video; LINE takes one in `kilo`, `mega` and `giga`",
            );
        }
    }
    walk.size(bubble, MAX_BUBBLE, fields);
}

fn bubble_size(bubble: &Map<String, Value>) -> &str {
    let size = bubble.get("size").and_then(Value::as_str);
    size.unwrap_or(DEFAULT_BUBBLE_SIZE)
}

fn has_video(bubble: &Map<String, Value>) -> bool {
    bubble.get("hero").is_some_and(|hero| is_a(hero, "video"))
}

fn is_a(value: &Value, kind: &str) -> bool {
    value.get("type").and_then(Value::as_str) == Some(kind)
}

static BUBBLE_STYLES: Shape = Shape::plain(
    "bubble style",
    reference!("bubble-style"),
    &[&[
        block_style("header"),
        block_style("hero"),
        block_style("body"),
        block_style("footer"),
    ]],
);

const fn block_style(block: &'static str) -> Field {
    optional(block, Rule::Object(&BLOCK_STYLE))
}

static BLOCK_STYLE: Shape = Shape::plain(
    "block style",
    reference!("block-style"),
    &[&[
        optional("backgroundColor", pattern(&COLOUR)),
        optional("separator", Rule::Boolean),
        optional("separatorColor", pattern(&COLOUR)),
    ]],
);

static CAROUSEL: Shape = Shape::typed(
    "carousel",
    "container",
    reference!("f-carousel"),
    &[&[required("contents", Rule::List(&BUBBLES))]],
)
.checked_by(Validator::Flex)
.also(check_carousel);

static BUBBLES: List = List {
    item: Rule::OneOf(&BUBBLE_ONLY),
    min: 1,
    max: 12,
};

static BUBBLE_ONLY: Choice = Choice {
    what: "container",
    reference: reference!("f-carousel"),
    shapes: &[&BUBBLE],
    common: &[],
};

const MAX_CAROUSEL: MaxSize = MaxSize {
    kb: 50,
    what: "carousel",
};

fn check_carousel(walk: &mut Walk<'_>, carousel: &Map<String, Value>, fields: Range<usize>) {
    let contents = carousel.get("contents").and_then(Value::as_array);
    let bubbles: Vec<_> = contents
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, bubble)| is_a(bubble, "bubble"))
        .filter_map(|(i, bubble)| Some((i, bubble.as_object()?)))
        .collect();
    walk.inside("contents", |walk| {
        for (i, bubble) in &bubbles {
            walk.inside_item(*i, |walk| check_bubble_in_carousel(walk, bubble, &bubbles));
        }
    });
    walk.size(carousel, MAX_CAROUSEL, fields);
}

fn check_bubble_in_carousel(
    walk: &mut Walk<'_>,
    bubble: &Map<String, Value>,
    bubbles: &[(usize, &Map<String, Value>)],
) {
    if has_video(bubble) {
        walk.refuse_at("hero", "is a video; LINE takes no video in a carousel");
    }
    if walk.is_templated(bubble, "size") {
        return walk.leave_whole();
    }
    let first = bubbles.first().map(|(_, first)| bubble_size(first));
    let depends_on_row = |(_, other): &(usize, &_)| walk.is_templated(other, "size");
    if !bubbles.iter().any(depends_on_row)
        && first.is_some_and(|first| first != bubble_size(bubble))
    {
        walk.refuse_at(
            "size",
            "differs from the first bubble's; LINE takes bubbles of one size in a carousel",
        );
    }
}

/// Animated images in one message.
/// <https://developers.line.biz/en/reference/messaging-api/#f-image>
const MAX_ANIMATED: usize = 10;

/// Counts the animated images of a whole Flex Message.
pub(super) fn check_animated(walk: &mut Walk<'_>, message: &Map<String, Value>, _: Range<usize>) {
    let Some(contents) = message.get("contents") else {
        return;
    };
    let n = animated(contents);
    if n > MAX_ANIMATED {
        walk.refuse_at(
            "contents",
            format!("has {n} images with `animated`; LINE takes {MAX_ANIMATED} in a message"),
        );
    }
}

fn animated(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(animated).sum(),
        Value::Object(object) => {
            let is_animated =
                is_a(value, "image") && object.get("animated") == Some(&Value::Bool(true));
            usize::from(is_animated) + object.values().map(animated).sum::<usize>()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::table::{check, check_within};

    fn check_container(container: &Value, rows: &str) {
        let message = json!({"type": "flex", "altText": "a", "contents": container});
        check_within(&message, "/contents", rows);
    }

    fn text_box(text: &str) -> Value {
        let contents = json!([{"type": "text", "text": text}]);
        json!({"type": "box", "layout": "vertical", "contents": contents})
    }

    #[test]
    fn a_message_has_a_container_and_an_alternative_text() {
        check(
            &json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}}),
            r#"
            /altText       | null   | is missing
            /altText       | x*1501 | has 1501 UTF-16 code units; LINE takes 1500
            /contents      | null   | is missing
            /contents/type | "box"  | is no type of container that LINE takes here; it takes
            "#,
        );
    }

    #[test]
    fn a_bubble_has_its_four_blocks_and_styles() {
        let image = r#"{"type": "image", "url": "https://example.com/a.png"}"#;
        let empty = r#"{"type": "box", "layout": "vertical", "contents": []}"#;
        check_container(
            &json!({"type": "bubble", "body": text_box("hello"), "styles": {"body": {}}}),
            &format!(
                r##"
            /body                        | null      |
            /size                        | "giga"    |
            /size                        | "huge"    | is none of the values
            /direction                   | "rtl"     |
            /direction                   | "up"      | is none of the values
            /header                      | {empty}   |
            /header /header/type         | {image}   | is no type of component
            /hero                        | {image}   |
            /hero                        | {empty}   |
            /styles/body/separator       | true      |
            /styles/body/separator       | "yes"     | is not `true` or `false`
            /styles/body/separatorColor  | "#000000" |
            /styles/body/backgroundColor | "black"   | is not what LINE takes here: a colour
            /styles/type                 | "styles"  | ?is no field of the bubble style in
            /colour                      | "red"     | ?is no field of the `bubble` container
            "##
            ),
        );
    }

    #[test]
    fn a_carousel_has_twelve_bubbles_of_one_size_and_no_video() {
        let bubble = json!({"type": "bubble", "size": "kilo", "body": text_box("hello")});
        let image = json!({"type": "image", "url": "https://example.com/a.png"});
        let url = "https://example.com/a.mp4";
        let video = json!({"type": "video", "url": url, "previewUrl": url, "altContent": image});
        check_container(
            &json!({"type": "carousel", "contents": [bubble, bubble]}),
            &format!(
                r#"
            /contents        | 12 items   |
            /contents        | 13 items   | has 13 items; LINE takes 1 to 12
            /contents        | []         | has 0 items
            /contents/1/size | "mega"     | differs from the first bubble's
            /contents/1/size | null       | differs from the first bubble's
            /contents/1/hero | {video}    | is a video; LINE takes no video in a carousel
            /contents/1/type | "carousel" | is no type of container
            "#
            ),
        );
    }

    #[test]
    fn a_video_stands_in_a_large_bubble() {
        let image = json!({"type": "image", "url": "https://example.com/a.png"});
        let url = "https://example.com/a.mp4";
        let video = json!({"type": "video", "url": url, "previewUrl": url, "altContent": image});
        check_container(
            &json!({"type": "bubble", "hero": video}),
            r#"
            /size                          | "kilo"                          |
            /size                          | "micro"                         | is too small for a
            /hero/altContent               | null                            | is missing
            /hero/altContent/type          | "video"                         | is no type of
            /hero/aspectRatio              | "20:13"                         |
            /hero/action                   | {"type": "uri", "uri": "app:a"} |
            /hero/action /hero/action/type | {"type": "message"}             | is no type of action
            "#,
        );
    }

    #[test]
    fn a_bubble_has_30_kb_and_a_carousel_50() {
        let bubble = |n| json!({"type": "bubble", "body": text_box(&"x".repeat(n))});
        let around = bubble(0).to_string().len();
        let carousel = |n| json!({"type": "carousel", "contents": [bubble(25_000), bubble(n)]});
        let around_two = carousel(0).to_string().len();
        for (contents, found) in [
            (bubble(30_000 - around), ""),
            (
                bubble(30_001 - around),
                "?has 30001 bytes of JSON; LINE takes 30 KB in a bubble",
            ),
            (bubble(30_720 - around), "?has 30720 bytes"),
            (
                bubble(30_721 - around),
                "has 30721 bytes of JSON; LINE takes 30 KB (30720 bytes)",
            ),
            (carousel(50_000 - around_two), ""),
            (
                carousel(51_200 - around_two),
                "?has 51200 bytes of JSON; LINE takes 50 KB",
            ),
            (
                carousel(51_201 - around_two),
                "has 51201 bytes of JSON; LINE takes 50 KB",
            ),
        ] {
            let message = json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}});
            check(&message, &format!("/contents | {contents} | {found}"));
        }
    }

    #[test]
    fn ten_images_are_animated_and_no_more() {
        let image = json!({"type": "image", "url": "https://example.com/a.png", "animated": true});
        let body = json!({"type": "box", "layout": "vertical", "contents": vec![image; 10]});
        check_container(
            &json!({"type": "bubble", "body": body}),
            "/body/contents | 10 items |",
        );
        let bubble = json!({"type": "bubble", "body": body});
        check(
            &json!({"type": "flex", "altText": "a", "contents": bubble}),
            "/contents/body/contents /contents | 11 items | has 11 images with `animated`",
        );
    }
}
