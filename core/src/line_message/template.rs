//! Template messages: buttons, confirm, carousel, image carousel.

use std::ops::Range;

use serde_json::{Map, Value};

use super::action::{DEFAULT_ACTION, IMAGE_CAROUSEL_ACTION, TEMPLATE_ACTION};
use super::field::RowRule;
use super::flex::COLOUR;
use super::problem::Validator;
use super::text::Text;
use super::walk::Walk;
use super::walk::schema::{
    Choice, Field, List, Rule, Shape, filled, graphemes, https, one_of, optional, pattern,
    reference, required,
};

pub(super) static TEMPLATE: Choice = Choice {
    what: "template",
    reference: reference!("template-messages"),
    shapes: &[&BUTTONS, &CONFIRM, &CAROUSEL, &IMAGE_CAROUSEL],
    common: &[],
};

const fn template(
    kind: &'static str,
    section: &'static str,
    fields: &'static [&'static [Field]],
) -> Shape {
    Shape::typed(kind, "template", section, fields).checked_by(Validator::Template)
}

/// The picture of a buttons template and of a carousel's column, and what is beside it.
const CARD: &[Field] = &[
    optional("thumbnailImageUrl", https()),
    optional("imageBackgroundColor", pattern(&COLOUR)),
    optional("title", graphemes(40)),
    required("text", filled()),
    optional("defaultAction", Rule::OneOf(&DEFAULT_ACTION)),
];

const PICTURE: &[Field] = &[
    optional("imageAspectRatio", one_of(&["rectangle", "square"])),
    optional("imageSize", one_of(&["cover", "contain"])),
];

const ACTION: Rule = Rule::OneOf(&TEMPLATE_ACTION);

static BUTTONS: Shape = template(
    "buttons",
    reference!("buttons"),
    &[
        CARD,
        PICTURE,
        &[required("actions", Rule::List(&BUTTONS_ACTIONS))],
    ],
)
.also(|walk, template, _| check_card_text(walk, template, 160));

static BUTTONS_ACTIONS: List = List {
    item: ACTION,
    min: 1,
    max: 4,
};

/// A text beside a picture or a title is shorter.
fn check_card_text(walk: &mut Walk<'_>, card: &Map<String, Value>, max_alone: usize) {
    let is_alone = !has(card, "thumbnailImageUrl") && !has(card, "title");
    let max = if is_alone { max_alone } else { 60 };
    walk.also_text(card, "text", RowRule::Text(Text::graphemes_or_empty(max)));
}

fn has(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

static CONFIRM: Shape = template(
    "confirm",
    reference!("confirm"),
    &[&[
        required("text", graphemes(240)),
        required("actions", Rule::List(&CONFIRM_ACTIONS)),
    ]],
);

static CONFIRM_ACTIONS: List = List {
    item: ACTION,
    min: 2,
    max: 2,
};

static CAROUSEL: Shape = template(
    "carousel",
    reference!("carousel"),
    &[PICTURE, &[required("columns", Rule::List(&COLUMNS))]],
)
.also(check_columns_alike);

static COLUMNS: List = List {
    item: Rule::Object(&COLUMN),
    min: 1,
    max: 10,
};

static COLUMN: Shape = Shape::plain(
    "column",
    reference!("column-object-for-carousel"),
    &[CARD, &[required("actions", Rule::List(&COLUMN_ACTIONS))]],
)
.also(|walk, column, _| check_card_text(walk, column, 120));

static COLUMN_ACTIONS: List = List {
    item: ACTION,
    min: 1,
    max: 3,
};

/// Every column has as many actions as the first, and a picture and a title where the first has.
fn check_columns_alike(walk: &mut Walk<'_>, carousel: &Map<String, Value>, _: Range<usize>) {
    let columns = carousel.get("columns").and_then(Value::as_array);
    let Some((first, others)) = columns.and_then(|columns| columns.split_first()) else {
        return;
    };
    walk.inside("columns", |walk| {
        for (i, column) in others.iter().enumerate() {
            if let (Some(column), Some(first)) = (column.as_object(), first.as_object()) {
                walk.inside_item(i + 1, |walk| check_column_like(walk, column, first));
            }
        }
    });
}

fn check_column_like(walk: &mut Walk<'_>, column: &Map<String, Value>, first: &Map<String, Value>) {
    let actions = |column: &Map<String, Value>| Some(column.get("actions")?.as_array()?.len());
    if let (Some(n), Some(expected)) = (actions(column), actions(first))
        && n != expected
    {
        walk.refuse_at(
            "actions",
            format!(
                "has {n} items and the first column {expected}; \
                 LINE takes only columns with the same number of actions"
            ),
        );
    }
    for name in ["thumbnailImageUrl", "title"] {
        if has(column, name) != has(first, name) {
            walk.refuse_at(
                name,
                "is in one column and not in another; LINE takes it in every column or in none",
            );
        }
    }
}

static IMAGE_CAROUSEL: Shape = template(
    "image_carousel",
    reference!("image-carousel"),
    &[&[required("columns", Rule::List(&IMAGE_COLUMNS))]],
);

static IMAGE_COLUMNS: List = List {
    item: Rule::Object(&IMAGE_COLUMN),
    min: 1,
    max: 10,
};

static IMAGE_COLUMN: Shape = Shape::plain(
    "column",
    reference!("column-object-for-image-carousel"),
    &[&[
        required("imageUrl", https()),
        required("action", Rule::OneOf(&IMAGE_CAROUSEL_ACTION)),
    ]],
);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::table::check_within;

    fn action() -> Value {
        json!({"type": "message", "label": "Yes", "text": "yes"})
    }

    fn check_template(template: &Value, rows: &str) {
        let message = json!({"type": "template", "altText": "a", "template": template});
        check_within(&message, "/template", rows);
    }

    #[test]
    fn a_template_has_a_known_type_and_an_alternative_text() {
        let template = json!({"type": "confirm", "text": "?", "actions": [action(), action()]});
        super::super::table::check(
            &json!({"type": "template", "altText": "a", "template": template}),
            r#"
            /altText       | ""       | is empty
            /altText       | x*1501   | has 1501 UTF-16 code units; LINE takes 1500
            /template      | null     | is missing
            /template/type | "button" | is no type of template that LINE takes here; it
            "#,
        );
    }

    #[test]
    fn a_confirm_has_a_text_and_two_actions() {
        check_template(
            &json!({"type": "confirm", "text": "?", "actions": [action(), action()]}),
            r"
            /text            | x*240   |
            /text            | x*241   | has 241 characters; LINE takes 240
            /actions         | 1 items | has 1 item; LINE takes 2
            /actions         | 3 items | has 3 items; LINE takes 2
            /actions/1/label | null    | is missing
            /actions/1/label | x*20    |
            /actions/1/label | x*21    | has 21 characters; LINE takes 20
            ",
        );
    }

    #[test]
    fn buttons_have_a_text_that_is_shorter_beside_a_picture() {
        check_template(
            &json!({"type": "buttons", "text": "Please select", "actions": [action()]}),
            r##"
            /text                 | null                           | is missing
            /text                 | ""                             | is empty
            /text                 | x*160                          |
            /text                 | 🎄*160                         |
            /text                 | x*161                          | has 161 characters; LINE takes
            /title                | x*40                           |
            /title                | x*41                           | has 41 characters; LINE takes
            /title                | ""                             | is empty
            /thumbnailImageUrl    | "http://a.jp/b.jpg"            | is not `https://`
            /imageBackgroundColor | "#FFFFFF"                      |
            /imageBackgroundColor | "white"                        | is not what LINE takes here
            /imageAspectRatio     | "square"                       |
            /imageAspectRatio     | "1:1"                          | is none of the values
            /imageSize            | "fill"                         | is none of the values
            /defaultAction        | {"type": "uri", "uri": "tel:"} |
            /actions              | 4 items                        |
            /actions              | 5 items                        | has 5 items; LINE takes 1 to 4
            /actions              | []                             | has 0 items; LINE takes 1
            "##,
        );
        check_template(
            &json!({"type": "buttons", "title": "Menu", "text": "a", "actions": [action()]}),
            "/text | x*60 |\n/text | x*61 | has 61 characters; LINE takes 60",
        );
    }

    #[test]
    fn the_columns_of_a_carousel_are_alike() {
        let column = json!({
            "thumbnailImageUrl": "https://example.com/1.jpg", "imageBackgroundColor": "#FFFFFF",
            "title": "menu", "text": "a", "defaultAction": action(), "actions": [action()],
        });
        check_template(
            &json!({"type": "carousel", "columns": [column, column]}),
            r#"
            /columns                     | []       | has 0 items
            /columns                     | 10 items |
            /columns                     | 11 items | has 11 items; LINE takes 1 to 10
            /columns/1/title             | null     | is in one column and not in another
            /columns/1/thumbnailImageUrl | null     | is in one column and not in another
            /columns/1/actions           | 2 items  | has 2 items and the first column 1
            /columns/0/text              | x*61     | has 61 characters; LINE takes 60
            /columns/0/text              | null     | is missing; LINE takes no column without it
            /imageSize                   | "cover"  |
            "#,
        );
        check_template(
            &json!({"type": "carousel", "columns": [{"text": "a", "actions": [action()]}]}),
            r"
            /columns/0/text    | x*120   |
            /columns/0/text    | x*121   | has 121 characters; LINE takes 120
            /columns/0/actions | 3 items |
            /columns/0/actions | 4 items | has 4 items; LINE takes 1 to 3
            ",
        );
    }

    #[test]
    fn an_image_carousel_has_pictures_with_short_labels() {
        let column = json!({"imageUrl": "https://example.com/1.jpg", "action": action()});
        check_template(
            &json!({"type": "image_carousel", "columns": [column]}),
            r"
            /columns                | 10 items |
            /columns                | 11 items | has 11 items; LINE takes 1 to 10
            /columns/0/imageUrl     | null     | is missing
            /columns/0/action       | null     | is missing
            /columns/0/action/label | null     |
            /columns/0/action/label | x*12     |
            /columns/0/action/label | x*13     | has 13 characters; LINE takes 12
            ",
        );
    }
}
