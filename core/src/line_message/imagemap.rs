//! Imagemap messages: a picture with areas to tap.

use std::ops::Range;

use serde_json::{Map, Value};

use super::text::{Text, Url};
use super::walk::Walk;
use super::walk::schema::{
    Choice, Field, List, Rule, Shape, alt_text, graphemes_or_empty, https, optional, reference,
    required, utf16, whole_number,
};

pub(super) static IMAGEMAP: Shape = Shape::typed(
    "imagemap",
    "message",
    reference!("imagemap-message"),
    &[&[
        required("baseUrl", https()),
        required("altText", alt_text()),
        required("baseSize", Rule::Object(&BASE_SIZE)),
        optional("video", Rule::Object(&VIDEO)),
        required("actions", Rule::List(&ACTIONS)),
    ]],
);

/// A number of pixels.
const PIXELS: Rule = whole_number(0.0, i32::MAX as f64);

static BASE_SIZE: Shape = Shape::plain(
    "base size",
    reference!("imagemap-message"),
    &[&[required("width", PIXELS), required("height", PIXELS)]],
)
.also(warn_of_width);

fn warn_of_width(walk: &mut Walk<'_>, size: &Map<String, Value>, _: Range<usize>) {
    let width = size.get("width").and_then(Value::as_u64);
    if width.is_some_and(|width| width != 1040) {
        walk.doubt_at("width", "is not 1040; LINE's reference asks for 1040");
    }
}

static VIDEO: Shape = Shape::plain(
    "video",
    reference!("imagemap-message"),
    &[&[
        required("originalContentUrl", https()),
        required("previewImageUrl", https()),
        required("area", Rule::Object(&AREA)),
        optional("externalLink", Rule::Object(&EXTERNAL_LINK)),
    ]],
);

static EXTERNAL_LINK: Shape = Shape::plain(
    "external link",
    reference!("imagemap-message"),
    &[&[
        required("linkUri", Rule::Text(Text::Url(Url::LINK))),
        required("label", utf16(30)),
    ]],
);

static AREA: Shape = Shape::plain(
    "area",
    reference!("imagemap-area-object"),
    &[&[
        required("x", PIXELS),
        required("y", PIXELS),
        required("width", PIXELS),
        required("height", PIXELS),
    ]],
);

static ACTIONS: List = List {
    item: Rule::OneOf(&ACTION),
    min: 0,
    max: 50,
};

static ACTION: Choice = Choice {
    what: "imagemap action",
    reference: reference!("imagemap-action-objects"),
    shapes: &[&URI, &MESSAGE, &CLIPBOARD],
    common: &[
        optional("label", graphemes_or_empty(100)),
        required("area", Rule::Object(&AREA)),
    ],
};

const fn action(kind: &'static str, fields: &'static [&'static [Field]]) -> Shape {
    let section = reference!("imagemap-action-objects");
    Shape::typed(kind, "imagemap action", section, fields)
}

static URI: Shape = action(
    "uri",
    &[&[required("linkUri", Rule::Text(Text::Url(Url::LINK)))]],
);

static MESSAGE: Shape = action("message", &[&[required("text", utf16(400))]]);

static CLIPBOARD: Shape = action("clipboard", &[&[required("clipboardText", utf16(1000))]]);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::table::check;

    fn imagemap() -> Value {
        let area = json!({"x": 0, "y": 586, "width": 520, "height": 454});
        json!({
            "type": "imagemap", "baseUrl": "https://example.com/rm001", "altText": "a",
            "baseSize": {"width": 1040, "height": 1040},
            "video": {
                "originalContentUrl": "https://example.com/v.mp4",
                "previewImageUrl": "https://example.com/v.jpg",
                "area": {"x": 0, "y": 0, "width": 1040, "height": 585},
                "externalLink": {"linkUri": "https://example.com/more", "label": "See More"},
            },
            "actions": [
                {"type": "uri", "linkUri": "https://example.com/", "area": area},
                {"type": "message", "text": "Hello", "area": area},
                {"type": "clipboard", "label": "Copy", "clipboardText": "3B48740B", "area": area},
            ],
        })
    }

    #[test]
    fn the_picture_and_its_size_are_there() {
        check(
            &imagemap(),
            r#"
            /baseUrl         | "http://example.com/rm001" | is not `https://`
            /baseUrl         | null                       | is missing
            /altText         | x*1500                     |
            /altText         | x*1501                     | has 1501 UTF-16 code units
            /altText         | ""                         | is empty
            /baseSize        | null                       | is missing; LINE takes no `imagemap`
            /baseSize/height | null                       | is missing; LINE takes no base size
            /baseSize/height | "1040"                     | is not a number
            /baseSize/width  | 700                        | ?is not 1040
            "#,
        );
    }

    #[test]
    fn a_video_has_its_area_and_perhaps_a_link() {
        check(
            &imagemap(),
            r#"
            /video                      | null            |
            /video/area                 | null            | is missing
            /video/area/x               | -1              | is out of range
            /video/previewImageUrl      | null            | is missing
            /video/externalLink         | null            |
            /video/externalLink/label   | null            | is missing
            /video/externalLink/label   | x*31            | has 31 UTF-16 code units; LINE takes 30
            /video/externalLink/linkUri | "mailto:a@b.jp" | does not begin with
            "#,
        );
    }

    #[test]
    fn up_to_fifty_actions_have_their_area() {
        check(
            &imagemap(),
            r#"
            /actions                 | null     | is missing
            /actions                 | []       |
            /actions                 | 50 items |
            /actions                 | 51 items | has 51 items; LINE takes up to 50
            /actions/0/area          | null     | is missing
            /actions/0/label         | x*100    |
            /actions/0/label         | x*101    | has 101 characters; LINE takes 100
            /actions/0/linkUri       | "x"      | does not begin with
            /actions/1/text          | x*400    |
            /actions/1/text          | x*401    | has 401 UTF-16 code units; LINE takes 400
            /actions/2/clipboardText | x*1001   | has 1001 UTF-16 code units; LINE takes 1000
            /actions/0/type          | "camera" | is no type of imagemap action
            "#,
        );
    }
}
