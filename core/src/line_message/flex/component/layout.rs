//! Flex Messages: the box, which lays out what it holds.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::style::{ANGLE, BORDER_WIDTH, COLOUR, PADDING, PERCENT, SPACE, WIDTH};
use super::{ACTION, FLEX, IN_A_BOX, MARGIN, POSITION, component};
use crate::line_message::problem::{Fault, Refusal, in_backticks};
use crate::line_message::walk::Walk;
use crate::line_message::walk::schema::{
    Choice, List, Rule, Shape, one_of, optional, pattern, reference, required,
};

pub(super) static BOX: Shape = component(
    "box",
    reference!("box"),
    &[
        POSITION,
        &[FLEX, MARGIN, ACTION],
        &[
            required("layout", one_of(&["horizontal", "vertical", "baseline"])),
            required("contents", Rule::List(&CONTENTS)),
            optional("backgroundColor", pattern(&COLOUR)),
            optional("borderColor", pattern(&COLOUR)),
            optional("borderWidth", pattern(&BORDER_WIDTH)),
            optional("cornerRadius", pattern(&SPACE)),
            optional("width", pattern(&WIDTH)),
            optional("maxWidth", pattern(&WIDTH)),
            optional("height", pattern(&WIDTH)),
            optional("maxHeight", pattern(&WIDTH)),
            optional("spacing", pattern(&SPACE)),
            optional("paddingAll", pattern(&PADDING)),
            optional("paddingTop", pattern(&PADDING)),
            optional("paddingBottom", pattern(&PADDING)),
            optional("paddingStart", pattern(&PADDING)),
            optional("paddingEnd", pattern(&PADDING)),
            optional("justifyContent", one_of(JUSTIFY)),
            optional("alignItems", one_of(&["center", "flex-start", "flex-end"])),
            optional("background", Rule::OneOf(&BACKGROUND)),
        ],
    ],
)
.also(check_layout);

const JUSTIFY: &[&str] = &[
    "center",
    "flex-start",
    "flex-end",
    "space-between",
    "space-around",
    "space-evenly",
];

static CONTENTS: List = List {
    item: Rule::OneOf(&IN_A_BOX),
    min: 0,
    max: usize::MAX,
};

/// "Available child components" in
/// <https://developers.line.biz/en/docs/messaging-api/flex-message-layout/>
fn check_layout(walk: &mut Walk<'_>, this: &Map<String, Value>, _: Range<usize>) {
    let allowed: &[&str] = match walk.literal(this, "layout") {
        Some("baseline") => &["icon", "text", "filler"],
        Some("horizontal" | "vertical") => {
            &["box", "button", "image", "text", "separator", "filler"]
        }
        None if walk.is_templated(this, "layout") => return walk.leave_whole(),
        _ => return,
    };
    let children = this.get("contents").and_then(Value::as_array);
    walk.inside("contents", |walk| {
        for (i, child) in children.into_iter().flatten().enumerate() {
            let Some(child) = child.as_object() else {
                continue;
            };
            let Some(kind) = walk.literal(child, "type") else {
                continue;
            };
            let is_component = IN_A_BOX.shapes.iter().any(|shape| shape.kind == kind);
            if is_component && !allowed.contains(&kind) {
                walk.inside_item(i, |walk| {
                    walk.refuse(Refusal::of(
                        Fault::Type(String::new()),
                        format!(
                            "is of a type that this `layout` does not take; it takes {}",
                            in_backticks(allowed.iter().copied())
                        ),
                    ));
                });
            }
        }
    });
}

static BACKGROUND: Choice = Choice {
    what: "background",
    reference: reference!("box"),
    shapes: &[&LINEAR_GRADIENT],
    common: &[],
};

static LINEAR_GRADIENT: Shape = Shape::typed(
    "linearGradient",
    "background",
    reference!("box"),
    &[&[
        required("angle", pattern(&ANGLE)),
        required("startColor", pattern(&COLOUR)),
        required("endColor", pattern(&COLOUR)),
        optional("centerColor", pattern(&COLOUR)),
        optional("centerPosition", pattern(&PERCENT)),
    ]],
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::line_message::table::check_within;

    #[test]
    fn a_box_has_a_layout_and_a_list() {
        let background = json!({
            "type": "linearGradient", "angle": "90deg",
            "startColor": "#FFFF00", "endColor": "#0080ff",
        });
        let body = json!({
            "type": "box", "layout": "horizontal", "contents": [], "background": background,
        });
        let bubble = json!({"type": "bubble", "body": body});
        check_within(
            &json!({"type": "flex", "altText": "a", "contents": bubble}),
            "/contents/body",
            r##"
            /layout                    | null           | is missing; LINE takes no `box` component
            /layout                    | "diagonal"     | is none of the values
            /contents                  | null           | is missing
            /contents                  | {}             | is not a list
            /backgroundColor           | "#00000000"    |
            /backgroundColor           | "#000"         | ?may not be what LINE takes here: a colour
            /borderColor               | "black"        | is not what LINE takes here: a colour
            /borderWidth               | "thick"        | is not what LINE takes here: pixels
            /cornerRadius              | "md"           |
            /width                     | "30px"         |
            /maxHeight                 | "md"           | is not what LINE takes here
            /flex                      | 0              |
            /flex                      | -1             | is out of range
            /flex                      | "1"            | is not a number
            /spacing                   | "5%"           | is not what LINE takes here
            /margin                    | "xxl"          |
            /paddingAll                | "0px"          |
            /position                  | "fixed"        | is none of the values
            /offsetTop                 | "-20px"        |
            /justifyContent            | "space-evenly" |
            /alignItems                | "space-evenly" | is none of the values
            /background/angle          | null           | is missing
            /background/angle          | "360deg"       | is not what LINE takes here
            /background/centerPosition | "10%"          |
            /background/type           | "image"        | is no type of background
            "##,
        );
    }
}
