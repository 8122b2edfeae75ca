//! The tables, held against LINE's own description of its API.

use fanline_core::line_message::{MessageRules, Problem, problems};
use serde_json::{Value, json};

use super::{good, pointer};

/// Where `good.json` has an object of each schema of `openapi.txt`.
const EXAMPLES: &str = "
    Message text
    TextMessage text
    TextMessageV2 textV2
    StickerMessage sticker
    ImageMessage image
    VideoMessage video
    AudioMessage audio
    LocationMessage location
    ImagemapMessage imagemap
    TemplateMessage buttons
    FlexMessage bubble
    CouponMessage coupon
    QuickReply text /quickReply
    QuickReplyItem text /quickReply/items/0
    Sender text /sender
    Emoji text /emojis/0
    MentionSubstitutionObject textV2 /substitution/user1
    UserMentionTarget textV2 /substitution/user1/mentionee
    AllMentionTarget textV2 /substitution/everyone/mentionee
    EmojiSubstitutionObject textV2 /substitution/laugh
    ImagemapBaseSize imagemap /baseSize
    ImagemapVideo imagemap /video
    ImagemapArea imagemap /video/area
    ImagemapExternalLink imagemap /video/externalLink
    URIImagemapAction imagemap /actions/0
    MessageImagemapAction imagemap /actions/1
    ClipboardImagemapAction imagemap /actions/2
    ButtonsTemplate buttons /template
    ConfirmTemplate confirm /template
    CarouselTemplate carousel /template
    CarouselColumn carousel /template/columns/0
    ImageCarouselTemplate image_carousel /template
    ImageCarouselColumn image_carousel /template/columns/0
    PostbackAction text /quickReply/items/0/action
    MessageAction text /quickReply/items/1/action
    URIAction text /quickReply/items/2/action
    AltUri text /quickReply/items/2/action/altUri
    DatetimePickerAction text /quickReply/items/3/action
    CameraAction text /quickReply/items/4/action
    CameraRollAction text /quickReply/items/5/action
    LocationAction text /quickReply/items/6/action
    ClipboardAction text /quickReply/items/7/action
    FlexBubble bubble /contents
    FlexBubbleStyles bubble /contents/styles
    FlexBlockStyle bubble /contents/styles/hero
    FlexCarousel bubbles /contents
    FlexBox bubble /contents/body
    FlexBoxLinearGradient bubble /contents/body/background
    FlexText bubble /contents/body/contents/0
    FlexSpan bubble /contents/body/contents/0/contents/0
    FlexSeparator bubble /contents/body/contents/1
    FlexImage bubble /contents/body/contents/2
    FlexVideo bubble /contents/hero
    FlexIcon bubble /contents/header/contents/0
    FlexFiller bubble /contents/header/contents/2
    FlexButton bubble /contents/footer/contents/0
";

/// No message takes it: it is for rich menus.
const IN_NO_MESSAGE: [&str; 1] = ["RichMenuSwitchAction"];

/// A field of a schema of `openapi.txt`, and a message with an object of that schema.
struct Example {
    schema: String,
    message: Value,
    object: String,
    name: String,
    json_type: String,
    is_required: bool,
    values: Vec<String>,
    max: Option<usize>,
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut schema = None;
    for line in include_str!("openapi.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let words: Vec<_> = line.split_whitespace().collect();
        if !line.starts_with(' ') {
            schema = object_of(words[0], words.get(1).copied());
            continue;
        }
        let Some((schema, message, object)) = &schema else {
            continue;
        };
        let limits = words.iter().skip(3);
        examples.push(Example {
            schema: schema.clone(),
            message: message.clone(),
            object: object.clone(),
            name: words[0].into(),
            json_type: words[1].into(),
            is_required: words[2] == "required",
            max: limits
                .clone()
                .find_map(|w| w.strip_prefix("max=")?.parse().ok()),
            values: limits
                .filter(|w| !w.starts_with("max="))
                .flat_map(|w| w.split('|').map(str::to_owned))
                .collect(),
        });
    }
    examples
}

/// The schema's name, the message that has an object of it, and the object's pointer.
fn object_of(schema: &str, kind: Option<&str>) -> Option<(String, Value, String)> {
    if IN_NO_MESSAGE.contains(&schema) {
        return None;
    }
    let line = EXAMPLES
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.first() == Some(&schema))
        .unwrap_or_else(|| panic!("no example of {schema}"));
    let message = good()[line[1]].clone();
    let object = line.get(2).copied().unwrap_or_default().to_owned();
    let found = message.pointer(&object).unwrap();
    assert_eq!(
        found.get("type").and_then(Value::as_str),
        kind.or(found["type"].as_str())
    );
    Some((schema.into(), message, object))
}

impl Example {
    /// What is found at the field once its value is `value`.
    fn with(&self, value: Value) -> Vec<Problem> {
        let mut message = self.message.clone();
        message.pointer_mut(&self.object).unwrap()[&self.name] = value;
        let at = format!("/0{}/{}", self.object, self.name);
        let mut found = problems(std::slice::from_ref(&message));
        found.retain(|problem| pointer(&problem.property) == at);
        found
    }

    fn shown(&self) -> String {
        format!("{} {}", self.schema, self.name)
    }
}

#[test]
fn every_schema_has_an_example_that_is_taken() {
    assert!(examples().len() > 200);
    for (name, message) in good() {
        assert_eq!(problems(std::slice::from_ref(&message)), [], "{name}");
    }
}

#[test]
fn every_field_is_known() {
    for example in examples() {
        let mut message = example.message.clone();
        let object = message.pointer_mut(&example.object).unwrap();
        if object.get(&example.name).is_none() {
            object[&example.name] = Value::Null;
        }
        let rules = MessageRules::compile(std::slice::from_ref(&message), &|_| None).unwrap();
        let unknown = rules
            .warnings()
            .iter()
            .find(|w| w.problem.starts_with("is no field"));
        assert_eq!(unknown, None, "{}", example.shown());
    }
}

#[test]
fn what_is_required_there_is_required_here() {
    for example in examples().iter().filter(|example| example.is_required) {
        let found = example.with(Value::Null);
        assert_eq!(found.len(), 1, "{}", example.shown());
        assert!(found[0].problem.starts_with("is missing"), "{}", found[0]);
    }
}

#[test]
fn every_field_has_its_json_type() {
    for example in examples() {
        let others = match example.json_type.as_str() {
            "string" => [json!(1), json!(true), json!(["a"]), json!({})],
            "integer" | "number" => [json!("1"), json!(true), json!([1]), json!({})],
            "boolean" => [json!("true"), json!(1), json!([true]), json!({})],
            "array" => [json!("a"), json!(1), json!(true), json!({})],
            "object" => [json!("a"), json!(1), json!(true), json!(["a"])],
            other => panic!("{other}"),
        };
        for other in others {
            assert!(
                !example.with(other.clone()).is_empty(),
                "{} {other}",
                example.shown()
            );
        }
        if example.json_type == "integer" {
            assert!(!example.with(json!(0.5)).is_empty(), "{}", example.shown());
        }
    }
}

#[test]
fn every_value_is_taken_and_no_other() {
    for example in examples()
        .iter()
        .filter(|example| !example.values.is_empty())
    {
        let refused = |value: &str| {
            let found = example.with(json!(value));
            found
                .iter()
                .any(|problem| problem.problem.starts_with("is none of the values"))
        };
        for value in &example.values {
            assert!(!refused(value), "{} {value}", example.shown());
        }
        assert!(refused("nothing"), "{}", example.shown());
    }
}

#[test]
fn every_limit_is_the_same() {
    for example in examples() {
        let Some(max) = example.max else { continue };
        let with = |n: usize| match example.json_type.as_str() {
            "string" if example.name.ends_with("Url") || example.name == "desktop" => {
                json!(format!("https://a.jp/{}", "a".repeat(n - 13)))
            }
            "string" => json!("x".repeat(n)),
            _ => json!(vec![example.message.pointer("/quickReply/items/1"); n]),
        };
        assert_eq!(example.with(with(max)), [], "{}", example.shown());
        assert_eq!(example.with(with(max + 1)).len(), 1, "{}", example.shown());
    }
}
