//! The types of message, and what every message may have.

use super::action::QUICK_REPLY_ACTION;
use super::flex::{CONTAINER, check_animated};
use super::imagemap::IMAGEMAP;
use super::template::TEMPLATE;
use super::text::Text;
use super::walk::schema::{
    Choice, Field, List, Rule, Shape, alt_text, https, one_of, optional, reference, required,
};

mod media;
mod text;

use media::{AUDIO, COUPON, IMAGE, LOCATION, STICKER, VIDEO};
use text::{TEXT, TEXT_V2};

pub(super) const REFERENCE: &str = reference!("message-objects");

pub(super) static MESSAGE: Choice = Choice {
    what: "message",
    reference: REFERENCE,
    shapes: &[
        &TEXT,
        &TEXT_V2,
        &STICKER,
        &IMAGE,
        &VIDEO,
        &AUDIO,
        &LOCATION,
        &IMAGEMAP,
        &TEMPLATE_MESSAGE,
        &FLEX,
        &COUPON,
    ],
    common: &[
        optional("quickReply", Rule::Object(&QUICK_REPLY)),
        optional("sender", Rule::Object(&SENDER)),
    ],
};

const fn message(kind: &'static str, section: &'static str, fields: Fields) -> Shape {
    Shape::typed(kind, "message", section, fields)
}

type Fields = &'static [&'static [Field]];

static QUICK_REPLY: Shape = Shape::plain(
    "quick reply",
    reference!("items-object"),
    &[&[required("items", Rule::List(&QUICK_REPLY_ITEMS))]],
);

static QUICK_REPLY_ITEMS: List = List {
    item: Rule::Object(&QUICK_REPLY_ITEM),
    min: 1,
    max: 13,
};

static QUICK_REPLY_ITEM: Shape = Shape::plain(
    "quick reply button",
    reference!("quick-reply-button-object"),
    &[&[
        optional("type", one_of(&["action"])),
        optional("imageUrl", https()),
        required("action", Rule::OneOf(&QUICK_REPLY_ACTION)),
    ]],
);

static SENDER: Shape = Shape::plain(
    "sender",
    reference!("icon-nickname-switch"),
    &[&[
        optional("name", Rule::Text(Text::SenderName)),
        optional("iconUrl", https()),
    ]],
);

static TEMPLATE_MESSAGE: Shape = message(
    "template",
    reference!("template-messages"),
    &[&[
        required("altText", alt_text()),
        required("template", Rule::OneOf(&TEMPLATE)),
    ]],
);

static FLEX: Shape = message(
    "flex",
    reference!("flex-message"),
    &[&[
        required("altText", alt_text()),
        required("contents", Rule::OneOf(&CONTAINER)),
    ]],
)
.also(check_animated);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::problems;
    use super::super::table::check;

    #[test]
    fn one_to_five_messages_are_taken() {
        let message = json!({"type": "text", "text": "hi"});
        for (n, fits) in [(0, false), (1, true), (5, true), (6, false)] {
            assert_eq!(problems(&vec![message.clone(); n]).is_empty(), fits, "{n}");
        }
    }

    #[test]
    fn a_message_is_an_object_of_a_known_type() {
        for (message, shown) in [
            (json!(7), "`messages[0]` is not an object"),
            (
                json!({}),
                "`messages[0].type` is missing; LINE takes `text`",
            ),
            (json!({"type": null}), "`messages[0].type` is missing"),
            (
                json!({"type": "txt"}),
                "`messages[0].type` is no type of message",
            ),
            (json!({"type": 5}), "`messages[0].type` is not a text"),
        ] {
            let found = problems(std::slice::from_ref(&message));
            assert_eq!(found.len(), 1, "{message}");
            assert!(found[0].to_string().starts_with(shown), "{}", found[0]);
        }
        let words = problems(&[json!({"type": "txt"})]).remove(0).line_says;
        assert!(words.is_some_and(|words| words.ends_with("template, flex, coupon]")));
    }

    #[test]
    fn every_problem_of_every_message_is_found_at_once() {
        let found = problems(&[
            json!({"type": "text", "text": ""}),
            json!({"type": "image"}),
            json!({"type": "x"}),
        ]);
        let at: Vec<_> = found.iter().map(|p| p.property.as_str()).collect();
        assert_eq!(
            at,
            [
                "messages[0].text",
                "messages[1].originalContentUrl",
                "messages[1].previewImageUrl",
                "messages[2].type"
            ]
        );
    }

    #[test]
    fn quick_replies_are_up_to_thirteen_buttons() {
        let action = json!({"type": "message", "label": "a", "text": "b"});
        let items = json!([{"type": "action", "action": action}]);
        check(
            &json!({"type": "text", "text": "hi", "quickReply": {"items": items}}),
            r#"
            /quickReply                  | null      |
            /quickReply                  | []        | is not an object; write it in `{}`
            /quickReply/items            | null      | is missing; LINE takes no quick reply without
            /quickReply/items            | {}        | is not a list; write it in `[]`
            /quickReply/items            | []        | has 0 items; LINE takes 1 to
            /quickReply/items            | 13 items  |
            /quickReply/items            | 14 items  | has 14 items; LINE takes 1 to 13
            /quickReply/items/0/type     | null      |
            /quickReply/items/0/type     | "x"       | is none of the values that LINE takes here
            /quickReply/items/0/action   | null      | is missing; LINE takes no quick reply button
            /quickReply/items/0/imageUrl | url of 99 |
            /quickReply/items/0/imageUrl | "http://" | is not `https://`
            /quickReply/items/0/colour   | "red"     | ?is no field of the quick reply button
            "#,
        );
    }

    #[test]
    fn a_sender_has_a_short_name_and_an_icon() {
        let sender = json!({"name": "Cony", "iconUrl": "https://line.me/conyprof"});
        check(
            &json!({"type": "text", "text": "hi", "sender": sender}),
            r#"
            /sender         | {}                       |
            /sender/name    | null                     |
            /sender/name    | x*20                     |
            /sender/name    | x*21                     | has 21 UTF-16 code units; LINE takes 20
            /sender/name    | "LINE"                   | has the word `LINE`
            /sender/name    | "Line"                   | ?has the word `LINE`
            /sender/iconUrl | "http://example.com/a"   | is not `https://`
            /sender/iconUrl | "https://example.com/早" | is not percent-encoded
            /sender/iconUrl | url of 2001              | has 2001 characters
            "#,
        );
    }
}
