//! Messages made after LINE's reference are taken.

use fanline_core::line_message::{MessageRules, problems};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn text(max: usize) -> impl Strategy<Value = String> {
    let letter = prop_oneof![Just('a'), Just('早'), Just('ส'), Just(' '), any::<char>()];
    prop::collection::vec(letter, 1..=max.min(30)).prop_map(move |letters| {
        let mut text = String::new();
        for letter in letters {
            if text.encode_utf16().count() + letter.len_utf16() <= max {
                text.push(letter);
            }
        }
        if text.is_empty() { "a".into() } else { text }
    })
}

fn https() -> impl Strategy<Value = String> {
    "https://[a-z]{1,9}\\.example\\.com(/[a-z0-9%2F._-]{0,20})?(\\?[a-z]=[0-9&]{0,5})?"
        .prop_map(|url| url.replace('%', "%41"))
}

fn link() -> impl Strategy<Value = String> {
    prop_oneof![
        https(),
        Just("tel:09001234567".into()),
        Just("line://nv/camera".into())
    ]
}

fn action(label: usize) -> impl Strategy<Value = Value> {
    prop_oneof![
        (text(label), text(300)).prop_map(|(label, data)| {
            json!({"type": "postback", "label": label, "data": data, "displayText": label})
        }),
        (text(label), text(300))
            .prop_map(|(label, text)| json!({"type": "message", "label": label, "text": text})),
        (text(label), link())
            .prop_map(|(label, uri)| json!({"type": "uri", "label": label, "uri": uri})),
        (text(label), select(vec!["date", "time", "datetime"])).prop_map(|(label, mode)| {
            json!({"type": "datetimepicker", "label": label, "data": "d", "mode": mode})
        }),
        (text(label), text(1000)).prop_map(|(label, text)| {
            json!({"type": "clipboard", "label": label, "clipboardText": text})
        }),
    ]
}

fn actions(label: usize, n: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(action(label), n)
}

fn simple() -> impl Strategy<Value = Value> {
    prop_oneof![
        text(5000).prop_map(|text| json!({"type": "text", "text": text})),
        ("[0-9]{1,9}", "[0-9]{1,9}").prop_map(|(package, sticker)| {
            json!({"type": "sticker", "packageId": package, "stickerId": sticker})
        }),
        (https(), https(), select(vec!["image", "video"])).prop_map(|(url, preview, kind)| {
            json!({"type": kind, "originalContentUrl": url, "previewImageUrl": preview})
        }),
        (https(), any::<u32>()).prop_map(|(url, duration)| {
            json!({"type": "audio", "originalContentUrl": url, "duration": duration})
        }),
        (text(100), text(100), -90.0..=90.0, -180.0..=180.0).prop_map(|(title, address, x, y)| {
            json!({
                "type": "location", "title": title, "address": address,
                "latitude": x, "longitude": y,
            })
        }),
    ]
}

fn template() -> impl Strategy<Value = Value> {
    let buttons = (text(160), actions(20, 1..=4))
        .prop_map(|(text, actions)| json!({"type": "buttons", "text": text, "actions": actions}));
    let confirm = (text(240), actions(20, 2..=2))
        .prop_map(|(text, actions)| json!({"type": "confirm", "text": text, "actions": actions}));
    let column = (text(60), text(40), https(), actions(20, 2..=2)).prop_map(
        |(text, title, url, actions)| {
            json!({"text": text, "title": title, "thumbnailImageUrl": url, "actions": actions})
        },
    );
    let carousel = prop::collection::vec(column, 1..=10)
        .prop_map(|columns| json!({"type": "carousel", "columns": columns}));
    let image =
        (https(), action(12)).prop_map(|(url, action)| json!({"imageUrl": url, "action": action}));
    let images = prop::collection::vec(image, 1..=10)
        .prop_map(|columns| json!({"type": "image_carousel", "columns": columns}));
    (text(1500), prop_oneof![buttons, confirm, carousel, images]).prop_map(
        |(alt, template)| json!({"type": "template", "altText": alt, "template": template}),
    )
}

fn component() -> impl Strategy<Value = Value> {
    let sizes = || select(vec!["xxs", "md", "5xl", "12px", "7.5px"]);
    let colours = || select(vec!["#00ff00", "#FFFFFF80"]);
    let leaf = prop_oneof![
        (text(2000), sizes(), colours()).prop_map(|(text, size, colour)| {
            json!({"type": "text", "text": text, "size": size, "color": colour, "wrap": true})
        }),
        (https(), action(40)).prop_map(|(url, action)| {
            json!({"type": "image", "url": url, "aspectRatio": "20:13", "action": action})
        }),
        action(40).prop_map(|action| json!({"type": "button", "action": action})),
        colours().prop_map(|colour| json!({"type": "separator", "color": colour})),
        Just(json!({"type": "filler", "flex": 1})),
    ];
    leaf.prop_recursive(4, 24, 4, |inside| {
        let layout = select(vec!["vertical", "horizontal"]);
        let contents = prop::collection::vec(inside, 0..4);
        (layout, contents).prop_map(|(layout, contents)| {
            json!({
                "type": "box", "layout": layout, "contents": contents,
                "spacing": "md", "paddingAll": "5%", "offsetTop": "-2px",
            })
        })
    })
}

fn flex() -> impl Strategy<Value = Value> {
    let bubble = || {
        prop::collection::vec(component(), 0..3).prop_map(|contents| {
            let body = json!({"type": "box", "layout": "vertical", "contents": contents});
            json!({"type": "bubble", "size": "kilo", "body": body})
        })
    };
    let carousel = prop::collection::vec(bubble(), 1..=4)
        .prop_map(|contents| json!({"type": "carousel", "contents": contents}));
    (text(1500), prop_oneof![bubble(), carousel])
        .prop_map(|(alt, contents)| json!({"type": "flex", "altText": alt, "contents": contents}))
}

fn message() -> impl Strategy<Value = Value> {
    let item = action(20).prop_map(|action| json!({"type": "action", "action": action}));
    let items = prop::option::of(prop::collection::vec(item, 1..=13));
    (prop_oneof![simple(), template(), flex()], items).prop_map(|(mut message, items)| {
        if let Some(items) = items {
            message["quickReply"] = json!({"items": items});
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_valid_message_has_no_problem(messages in prop::collection::vec(message(), 1..=5)) {
        prop_assert_eq!(problems(&messages), []);
        let rules = MessageRules::compile(&messages, &|_| None).unwrap();
        prop_assert!(rules.fields().is_empty());
        prop_assert!(rules.row().finish("").is_ok());
    }
}
