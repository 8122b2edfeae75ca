//! What a tap does: the action objects, by where they stand.

use std::ops::Range;

use serde_json::{Map, Value};

use super::field::RowRule;
use super::text::{Moment, Text, Url};
use super::walk::Walk;
use super::walk::schema::{
    Choice, Field, Rule, Shape, filled, graphemes, graphemes_or_empty, one_of, optional, reference,
    required, utf16, utf16_or_empty,
};

const REFERENCE: &str = reference!("action-objects");

/// The length of a label, and whether it must be there.
/// <https://developers.line.biz/en/reference/messaging-api/#action-object-label-spec>
const fn label(is_required: bool, max: usize) -> Field {
    Field {
        name: "label",
        is_required,
        rule: graphemes(max),
    }
}

const fn actions(shapes: &'static [&'static Shape], common: &'static [Field]) -> Choice {
    Choice {
        what: "action",
        reference: REFERENCE,
        shapes,
        common,
    }
}

pub(super) static QUICK_REPLY_ACTION: Choice = actions(
    &[
        &POSTBACK,
        &MESSAGE,
        &URI,
        &DATETIME_PICKER,
        &CAMERA,
        &CAMERA_ROLL,
        &LOCATION,
        &CLIPBOARD,
    ],
    &[label(true, 20)],
);

/// The button of a template.
pub(super) static TEMPLATE_ACTION: Choice = actions(IN_A_TEMPLATE, &[label(true, 20)]);

/// The area of a template around its buttons: nothing shows the label.
pub(super) static DEFAULT_ACTION: Choice = actions(IN_A_TEMPLATE, &[label(false, 20)]);

/// A picture in an image carousel.
pub(super) static IMAGE_CAROUSEL_ACTION: Choice = actions(IN_A_TEMPLATE, &[label(false, 12)]);

const IN_A_TEMPLATE: &[&Shape] = &[&POSTBACK, &MESSAGE, &URI, &DATETIME_PICKER, &CLIPBOARD];

/// A button in a Flex Message.
pub(super) static FLEX_BUTTON_ACTION: Choice = actions(IN_FLEX, &[label(true, 40)]);

/// Anything else in a Flex Message. Its label is not shown.
pub(super) static FLEX_ACTION: Choice = actions(IN_FLEX, &[label(false, 40)]);

/// A video in a Flex Message.
pub(super) static FLEX_VIDEO_ACTION: Choice = actions(&[&FLEX_URI], &[label(false, 40)]);

const IN_FLEX: &[&Shape] = &[&POSTBACK, &MESSAGE, &FLEX_URI, &DATETIME_PICKER, &CLIPBOARD];

const fn action(
    kind: &'static str,
    section: &'static str,
    fields: &'static [&'static [Field]],
) -> Shape {
    Shape::typed(kind, "action", section, fields)
}

static POSTBACK: Shape = action(
    "postback",
    reference!("postback-action"),
    &[&[
        required("data", utf16_or_empty(300)),
        optional("displayText", graphemes_or_empty(300)),
        optional("text", graphemes_or_empty(300)),
        optional("inputOption", one_of(INPUT_OPTIONS)),
        optional("fillInText", graphemes_or_empty(300)),
    ]],
)
.also(check_one_text);

const INPUT_OPTIONS: &[&str] = &["closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"];

fn check_one_text(walk: &mut Walk<'_>, action: &Map<String, Value>, _: Range<usize>) {
    let has = |name| action.get(name).is_some_and(|value| !value.is_null());
    if has("displayText") && has("text") {
        walk.refuse_at(
            "text",
            "stands beside `displayText`; LINE takes one of them. `text` is deprecated",
        );
    }
}

static MESSAGE: Shape = action(
    "message",
    reference!("message-action"),
    &[&[required("text", graphemes(300))]],
);

static URI: Shape = action(
    "uri",
    reference!("uri-action"),
    &[&[
        required("uri", Rule::Text(Text::Url(Url::LINK))),
        optional("altUri", Rule::Object(&ALT_URI)),
    ]],
);

static ALT_URI: Shape = Shape::plain(
    "alternative URI",
    reference!("uri-action"),
    &[&[optional(
        "desktop",
        Rule::Text(Text::Url(Url::LINK.or_empty())),
    )]],
);

static FLEX_URI: Shape = action(
    "uri",
    reference!("uri-action"),
    &[&[
        required("uri", Rule::Text(Text::Url(Url::ANY_LINK))),
        optional("altUri", Rule::Object(&FLEX_ALT_URI)),
    ]],
);

static FLEX_ALT_URI: Shape = Shape::plain(
    "alternative URI",
    reference!("uri-action"),
    &[&[optional(
        "desktop",
        Rule::Text(Text::Url(Url::ANY_LINK.or_empty())),
    )]],
);

static DATETIME_PICKER: Shape = action(
    "datetimepicker",
    reference!("datetime-picker-action"),
    &[&[
        required("data", utf16_or_empty(300)),
        required("mode", one_of(&["date", "time", "datetime"])),
        optional("initial", filled()),
        optional("max", filled()),
        optional("min", filled()),
    ]],
)
.also(check_moments);

fn check_moments(walk: &mut Walk<'_>, action: &Map<String, Value>, _: Range<usize>) {
    let moment = match walk.literal(action, "mode") {
        Some("date") => Moment::Date,
        Some("time") => Moment::Time,
        Some("datetime") => Moment::DateTime,
        Some(_) => return,
        None => return walk.leave_whole(),
    };
    for name in ["initial", "max", "min"] {
        walk.also_text(action, name, RowRule::Text(Text::Moment(moment)));
    }
    if walk.is_templated(action, "min") || walk.is_templated(action, "max") {
        return walk.leave_whole();
    }
    let bounds = [walk.literal(action, "min"), walk.literal(action, "max")];
    if let [Some(min), Some(max)] = bounds
        && moment.fits(min)
        && moment.fits(max)
        // A mode's moments are all of one length, so their texts sort as they do.
        && min.to_ascii_uppercase() >= max.to_ascii_uppercase()
    {
        walk.refuse_at("min", "is not before `max`");
    }
}

static CAMERA: Shape = action("camera", reference!("camera-action"), &[]);

static CAMERA_ROLL: Shape = action("cameraRoll", reference!("camera-roll-action"), &[]);

static LOCATION: Shape = action("location", reference!("location-action"), &[]);

static CLIPBOARD: Shape = action(
    "clipboard",
    reference!("clipboard-action"),
    &[&[required("clipboardText", utf16(1000))]],
);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::table::{check, check_within};

    const AT: &str = "/quickReply/items/0/action";

    fn quick_reply(action: &Value) -> Value {
        let items = json!([{"type": "action", "action": action}]);
        json!({"type": "text", "text": "hi", "quickReply": {"items": items}})
    }

    fn check_action(action: &Value, rows: &str) {
        check_within(&quick_reply(action), AT, rows);
    }

    #[test]
    fn a_postback_has_data_and_one_text() {
        check_action(
            &json!({"type": "postback", "label": "Buy", "data": "action=buy"}),
            r#"
            /data        | ""             |
            /data        | x*300          |
            /data        | x*301          | has 301 UTF-16 code units; LINE takes 300
            /data        | null           | is missing; LINE takes no `postback` action without it
            /displayText | x*300          |
            /displayText | x*301          | has 301 characters; LINE takes 300
            /text        | "hi"           |
            /inputOption | "openKeyboard" |
            /inputOption | "openDoor"     | is none of the values that LINE takes here
            /fillInText  | "---\nName:"   |
            /fillInText  | x*301          | has 301 characters
            "#,
        );
        check_action(
            &json!({"type": "postback", "label": "Buy", "data": "d", "displayText": "a"}),
            r#"/text | "b" | stands beside `displayText`"#,
        );
    }

    #[test]
    fn a_message_action_has_a_text() {
        check_action(
            &json!({"type": "message", "label": "Yes", "text": "Yes"}),
            r#"
            /text  | null   | is missing
            /text  | ""     | is empty
            /text  | 🎄*300 |
            /text  | x*301  | has 301 characters; LINE takes 300
            /label | null   | is missing; LINE takes no `message` action without it
            /label | ""     | is empty
            /label | x*20   |
            /label | x*21   | has 21 characters; LINE takes 20
            /label | ดี*10   |
            /label | ดี*20   | ?has 40 Unicode code points; LINE takes 20 characters
            /label | ดี*21   | has 21 characters
            "#,
        );
    }

    #[test]
    fn a_link_has_one_of_four_schemes() {
        check_action(
            &json!({"type": "uri", "label": "Menu", "uri": "https://example.com/menu"}),
            r#"
            /uri                    | "http://example.com"  |
            /uri                    | "tel:09001234567"     |
            /uri                    | "line://nv/location"  |
            /uri                    | "myapp://open"        | does not begin with `https:`
            /uri                    | "example.com"         | does not begin with `https:`
            /uri                    | url of 1001           | has 1001 characters
            /altUri                 | {"desktop": "tel:1"}  |
            /altUri                 | {"desktop": ""}       |
            /altUri /altUri/desktop | {"desktop": "x"}      | does not begin with
            /altUri                 | "https://example.com" | is not an object
            "#,
        );
    }

    #[test]
    fn a_date_picker_has_moments_of_its_mode_in_order() {
        let mut picker = json!({"type": "datetimepicker", "label": "When", "data": "d"});
        picker["mode"] = json!("datetime");
        picker["min"] = json!("2017-12-25t00:00");
        picker["max"] = json!("2018-01-24T23:59");
        check_action(
            &picker,
            r#"
            /mode     | null               | is missing
            /mode     | "month"            | is none of the values
            /data     | null               | is missing
            /initial  | "2017-12-31T00:00" |
            /initial  | "2017-12-31"       | is not what LINE takes here: a date and time
            /min      | "2018-01-24t23:59" | is not before `max`
            /min      | "2019-01-01T00:00" | is not before `max`
            /max /min | "2016-01-01T00:00" | is not before `max`
            /max      | null               |
            "#,
        );
    }

    #[test]
    fn each_place_has_its_actions() {
        let flex = json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}});
        let copy = json!({"type": "clipboard", "label": "Copy", "clipboardText": "3B48740B"});
        let refused = "is no type of action that LINE takes here";
        for (action, at, in_flex, in_quick_reply) in [
            (
                json!({"type": "clipboard", "label": "a", "clipboardText": "b"}),
                "/type",
                "",
                "",
            ),
            (
                json!({"type": "camera", "label": "a"}),
                "/type",
                refused,
                "",
            ),
            (
                json!({"type": "richmenuswitch", "label": "a"}),
                "/type",
                refused,
                refused,
            ),
            (
                json!({"type": "uri", "label": "a", "uri": "app:b"}),
                "/uri",
                "",
                "does not begin",
            ),
        ] {
            check(
                &flex,
                &format!("/contents/action /contents/action{at} | {action} | {in_flex}"),
            );
            let row = format!("{AT} {AT}{at} | {action} | {in_quick_reply}");
            check(&quick_reply(&copy), &row);
        }
    }

    #[test]
    fn a_clipboard_and_a_camera_have_their_fields() {
        check_action(
            &json!({"type": "clipboard", "label": "Copy", "clipboardText": "a"}),
            r#"
            /clipboardText | x*1000 |
            /clipboardText | x*1001 | has 1001 UTF-16 code units; LINE takes 1000
            /clipboardText | ""     | is empty
            /clipboardText | null   | is missing
            "#,
        );
        for kind in ["camera", "cameraRoll", "location"] {
            let action = json!({"type": kind, "label": "a"});
            check_action(
                &action,
                "/label | null | is missing\n/label | x*21 | has 21 characters",
            );
        }
    }
}
