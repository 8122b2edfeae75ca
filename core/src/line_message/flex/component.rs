//! Flex Messages: the components of a bubble.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::action::{FLEX_ACTION, FLEX_BUTTON_ACTION, FLEX_VIDEO_ACTION};
use super::super::problem::{Fault, Refusal};
use super::super::walk::Walk;
use super::super::walk::schema::{
    Choice, Field, List, Rule, Shape, any_text, filled, https, one_of, optional, pattern,
    reference, required, whole_number,
};
use super::style::{
    ASPECT_RATIO, COLOUR, ICON_SIZE, IMAGE_SIZE, LINE_SPACING, OFFSET, SPACE, TEXT_SIZE,
};

mod layout;

use layout::BOX;

const fn components(shapes: &'static [&'static Shape]) -> Choice {
    Choice {
        what: "component",
        reference: reference!("flex-component"),
        shapes,
        common: &[],
    }
}

/// A bubble's header, body or footer.
pub(super) static BLOCK: Choice = components(&[&BOX]);

pub(super) static HERO: Choice = components(&[&BOX, &IMAGE, &VIDEO]);

/// What is shown where a video can't be.
static ALTERNATIVE: Choice = components(&[&BOX, &IMAGE]);

/// What a box holds, in one layout or another.
pub(super) static IN_A_BOX: Choice =
    components(&[&BOX, &BUTTON, &IMAGE, &ICON, &TEXT, &SEPARATOR, &FILLER]);

static IN_A_TEXT: Choice = components(&[&SPAN]);

pub(super) const fn component(
    kind: &'static str,
    section: &'static str,
    fields: &'static [&'static [Field]],
) -> Shape {
    Shape::typed(kind, "component", section, fields)
}

/// A share of the space, or a number of lines.
const COUNT: Rule = whole_number(0.0, i32::MAX as f64);

pub(super) const FLEX: Field = optional("flex", COUNT);

pub(super) const MARGIN: Field = optional("margin", pattern(&SPACE));

pub(super) const ACTION: Field = optional("action", Rule::OneOf(&FLEX_ACTION));

const GRAVITY: Field = optional("gravity", one_of(&["top", "bottom", "center"]));

const ALIGN: Field = optional("align", one_of(&["start", "end", "center"]));

const ADJUST_MODE: Field = optional("adjustMode", one_of(&["shrink-to-fit"]));

const SCALING: Field = optional("scaling", Rule::Boolean);

const RATIO: Field = optional("aspectRatio", pattern(&ASPECT_RATIO));

/// <https://developers.line.biz/en/docs/messaging-api/flex-message-layout/#component-offset>
pub(super) const POSITION: &[Field] = &[
    optional("position", one_of(&["relative", "absolute"])),
    optional("offsetTop", pattern(&OFFSET)),
    optional("offsetBottom", pattern(&OFFSET)),
    optional("offsetStart", pattern(&OFFSET)),
    optional("offsetEnd", pattern(&OFFSET)),
];

static BUTTON: Shape = component(
    "button",
    reference!("button"),
    &[
        POSITION,
        &[FLEX, MARGIN, GRAVITY, ADJUST_MODE, SCALING],
        &[
            required("action", Rule::OneOf(&FLEX_BUTTON_ACTION)),
            optional("height", one_of(&["sm", "md"])),
            optional("style", one_of(&["primary", "secondary", "link"])),
            optional("color", pattern(&COLOUR)),
        ],
    ],
);

static IMAGE: Shape = component(
    "image",
    reference!("f-image"),
    &[
        POSITION,
        &[FLEX, MARGIN, ALIGN, GRAVITY, RATIO, ACTION],
        &[
            required("url", https()),
            optional("size", pattern(&IMAGE_SIZE)),
            optional("aspectMode", one_of(&["fit", "cover"])),
            optional("backgroundColor", pattern(&COLOUR)),
            optional("animated", Rule::Boolean),
        ],
    ],
);

static VIDEO: Shape = component(
    "video",
    reference!("f-video"),
    &[&[
        required("url", https()),
        required("previewUrl", https()),
        required("altContent", Rule::OneOf(&ALTERNATIVE)),
        RATIO,
        optional("action", Rule::OneOf(&FLEX_VIDEO_ACTION)),
    ]],
);

static ICON: Shape = component(
    "icon",
    reference!("icon"),
    &[
        POSITION,
        &[MARGIN, SCALING, RATIO],
        &[
            required("url", https()),
            optional("size", pattern(&ICON_SIZE)),
        ],
    ],
);

/// What a text and a span have in common.
const FONT: &[Field] = &[
    optional("size", pattern(&TEXT_SIZE)),
    optional("weight", one_of(&["regular", "bold"])),
    optional("color", pattern(&COLOUR)),
    optional("style", one_of(&["normal", "italic"])),
    optional("decoration", one_of(&["none", "underline", "line-through"])),
];

static TEXT: Shape = component(
    "text",
    reference!("f-text"),
    &[
        POSITION,
        FONT,
        &[FLEX, MARGIN, ALIGN, GRAVITY, ADJUST_MODE, SCALING, ACTION],
        &[
            optional("text", filled()),
            optional("contents", Rule::List(&SPANS)),
            optional("wrap", Rule::Boolean),
            optional("lineSpacing", pattern(&LINE_SPACING)),
            optional("maxLines", COUNT),
        ],
    ],
)
.also(check_has_text);

static SPANS: List = List {
    item: Rule::OneOf(&IN_A_TEXT),
    min: 0,
    max: usize::MAX,
};

fn check_has_text(walk: &mut Walk<'_>, text: &Map<String, Value>, _: Range<usize>) {
    let has = |name| text.get(name).is_some_and(|value| !value.is_null());
    if !has("text") && !has("contents") {
        walk.inside("text", |walk| {
            walk.refuse(Refusal::of(
                Fault::Missing,
                "is missing; LINE takes a `text` component only with `text` or `contents`",
            ));
        });
    }
}

static SPAN: Shape = component(
    "span",
    reference!("span"),
    &[FONT, &[optional("text", any_text())]],
);

static SEPARATOR: Shape = component(
    "separator",
    reference!("separator"),
    &[&[MARGIN, optional("color", pattern(&COLOUR))]],
);

static FILLER: Shape = component("filler", reference!("filler"), &[&[FLEX]]);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::table::{check, check_within};

    /// Checks a component that is the only one of a bubble's body.
    fn check_in(layout: &str, component: &Value, rows: &str) {
        let body = json!({"type": "box", "layout": layout, "contents": [component]});
        let bubble = json!({"type": "bubble", "body": body});
        let message = json!({"type": "flex", "altText": "a", "contents": bubble});
        check_within(&message, "/contents/body/contents/0", rows);
    }

    fn check_swapped(layout: &str, component: &Value, found: &str) {
        let body = json!({"type": "box", "layout": layout, "contents": [{"type": "filler"}]});
        let bubble = json!({"type": "bubble", "body": body});
        let message = json!({"type": "flex", "altText": "a", "contents": bubble});
        let row = format!("/contents/body/contents/0 | {component} | {found}");
        check(&message, &row);
    }

    #[test]
    fn each_layout_takes_its_components() {
        let url = "https://example.com/a.png";
        let action = json!({"type": "message", "label": "a", "text": "b"});
        let wrong = "is of a type that this `layout` does not take; it takes";
        for (component, upright, baseline) in [
            (json!({"type": "text", "text": "a"}), "", ""),
            (json!({"type": "filler"}), "", ""),
            (json!({"type": "icon", "url": url}), wrong, ""),
            (json!({"type": "image", "url": url}), "", wrong),
            (json!({"type": "separator"}), "", wrong),
            (json!({"type": "button", "action": action}), "", wrong),
            (
                json!({"type": "box", "layout": "vertical", "contents": []}),
                "",
                wrong,
            ),
        ] {
            check_swapped("vertical", &component, upright);
            check_swapped("horizontal", &component, upright);
            check_swapped("baseline", &component, baseline);
        }
        check_in(
            "vertical",
            &json!({"type": "filler"}),
            r#"
            /type | "spacer" | is no type of component that LINE takes here; it takes `box`
            /type | "span"   | is no type of component
            /type | "video"  | is no type of component
            "#,
        );
    }

    #[test]
    fn a_button_has_an_action_with_a_label() {
        let action = json!({"type": "uri", "label": "Tap me", "uri": "https://example.com"});
        check_in(
            "vertical",
            &json!({"type": "button", "action": action}),
            r#"
            /action       | null            | is missing; LINE takes no `button` component without
            /action/label | null            | is missing
            /action/label | x*40            |
            /action/label | x*41            | has 41 characters; LINE takes 40
            /height       | "sm"            |
            /height       | "30px"          | is none of the values
            /style        | "link"          |
            /style        | "bold"          | is none of the values
            /color        | "blue"          | is not what LINE takes here: a colour
            /gravity      | "center"        |
            /adjustMode   | "shrink-to-fit" |
            /scaling      | true            |
            /scaling      | "true"          | is not `true` or `false`
            "#,
        );
    }

    #[test]
    fn pictures_have_https_urls_sizes_and_ratios() {
        check_in(
            "vertical",
            &json!({"type": "image", "url": "https://example.com/a.jpg"}),
            r#"
            /url         | null                       | is missing
            /url         | "http://example.com/a.jpg" | is not `https://`
            /size        | "full"                     |
            /size        | "big"                      | is not what LINE takes here
            /aspectRatio | "1.91:1"                   |
            /aspectRatio | "1:4"                      | is not what LINE takes here: `width:height`
            /aspectMode  | "cover"                    |
            /aspectMode  | "fill"                     | is none of the values
            /align       | "start"                    |
            /align       | "left"                     | is none of the values
            /animated    | true                       |
            "#,
        );
        check_in(
            "baseline",
            &json!({"type": "icon", "url": "https://example.com/a.png"}),
            r#"
            /url  | null   | is missing
            /size | "lg"   |
            /size | "full" | is not what LINE takes here
            "#,
        );
    }

    #[test]
    fn a_text_has_a_text_or_spans() {
        check_in(
            "vertical",
            &json!({"type": "text", "text": "hello", "contents": [{"type": "span", "text": "a"}]}),
            r#"
            /text              | ""          | is empty
            /text              | x*10000     |
            /text              | null        |
            /contents          | null        |
            /contents          | []          |
            /contents/0/type   | "text"      | is no type of component
            /contents/0/weight | "thin"      | is none of the values
            /contents/0/size   | "sm"        |
            /size              | "50%"       | is not what LINE takes here
            /wrap              | true        |
            /wrap              | 1           | is not `true` or `false`
            /lineSpacing       | "20px"      |
            /maxLines          | 2           |
            /maxLines          | 0.5         | is not a whole number
            /decoration        | "underline" |
            /style             | "oblique"   | is none of the values
            "#,
        );
        check_in(
            "vertical",
            &json!({"type": "text", "text": "hello"}),
            "/text | null | is missing; LINE takes a `text` component only with `text` or",
        );
        check_in(
            "vertical",
            &json!({"type": "separator", "color": "#000000"}),
            r#"
            /margin | "lg"    |
            /color  | "black" | is not what LINE takes here
            "#,
        );
    }
}
