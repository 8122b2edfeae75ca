//! Text messages, with LINE emojis (`text`) or with placeholders (`textV2`).

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::field::RowRule;
use super::super::problem::Refusal;
use super::super::text::braces::Placeholders;
use super::super::walk::Walk;
use super::super::walk::schema::{
    Choice, List, Named, Rule, Shape, any_text, filled, optional, reference, required, utf16,
    whole_number,
};
use super::message;

pub(super) static TEXT: Shape = message(
    "text",
    reference!("text-message"),
    &[&[
        required("text", utf16(5000)),
        optional("emojis", Rule::List(&EMOJIS)),
        optional("quoteToken", any_text()),
    ]],
)
.also(check_dollars);

static EMOJIS: List = List {
    item: Rule::Object(&EMOJI),
    min: 0,
    max: 20,
};

static EMOJI: Shape = Shape::plain(
    "LINE emoji",
    reference!("text-message"),
    &[&[
        required("index", whole_number(0.0, i32::MAX as f64)),
        required("productId", filled()),
        required("emojiId", filled()),
    ]],
);

/// Each LINE emoji stands where the text has a `$`.
fn check_dollars(walk: &mut Walk<'_>, message: &Map<String, Value>, _: Range<usize>) {
    let emojis = message.get("emojis").and_then(Value::as_array);
    let indices = || emojis.into_iter().flatten().filter_map(|e| e.get("index"));
    if indices().any(Value::is_string) {
        walk.leave_whole();
        return;
    }
    let positions: Vec<_> = indices()
        .filter_map(Value::as_u64)
        .filter_map(|index| usize::try_from(index).ok())
        .collect();
    if !positions.is_empty() {
        walk.also_text(message, "text", RowRule::Dollars(positions));
    }
}

pub(super) static TEXT_V2: Shape = message(
    "textV2",
    reference!("text-message-v2"),
    &[&[
        required("text", utf16(5000)),
        optional("substitution", Rule::Named(&SUBSTITUTION)),
        optional("quoteToken", any_text()),
    ]],
)
.also(check_placeholders);

static SUBSTITUTION: Named = Named {
    max: 100,
    is_key: |key| {
        (1..=20).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    },
    takes: "1 to 20 of `a-z`, `A-Z`, `0-9` and `_`",
    item: Rule::OneOf(&SUBSTITUTE),
};

static SUBSTITUTE: Choice = Choice {
    what: "substitution",
    reference: reference!("text-message-v2"),
    shapes: &[&MENTION, &EMOJI_V2],
    common: &[],
};

static MENTION: Shape = Shape::typed(
    "mention",
    "substitution",
    reference!("text-message-v2-mention-object"),
    &[&[required("mentionee", Rule::OneOf(&MENTIONEE))]],
)
.also(warn_of_mention);

fn warn_of_mention(walk: &mut Walk<'_>, _: &Map<String, Value>, _: Range<usize>) {
    walk.doubt(Refusal::new(
        "is a mention; LINE takes it only in a message to one group or room",
    ));
}

static MENTIONEE: Choice = Choice {
    what: "mentionee",
    reference: reference!("text-message-v2-mention-object"),
    shapes: &[&MENTIONED_USER, &MENTIONED_ALL],
    common: &[],
};

static MENTIONED_USER: Shape = Shape::typed(
    "user",
    "mentionee",
    reference!("text-message-v2-mentionee-user"),
    &[&[required("userId", filled())]],
);

static MENTIONED_ALL: Shape = Shape::typed(
    "all",
    "mentionee",
    reference!("text-message-v2-mentionee-all"),
    &[],
);

static EMOJI_V2: Shape = Shape::typed(
    "emoji",
    "substitution",
    reference!("text-message-v2-emoji-object"),
    &[&[
        required("productId", filled()),
        required("emojiId", filled()),
    ]],
);

fn check_placeholders(walk: &mut Walk<'_>, message: &Map<String, Value>, _: Range<usize>) {
    let substitution = message.get("substitution").and_then(Value::as_object);
    let kind = |value: &Value| {
        value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let keys = substitution
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), kind(value)))
        .collect();
    walk.also_text(message, "text", RowRule::Placeholders(Placeholders(keys)));
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::super::super::problems;
    use super::super::super::table::check;

    #[test]
    fn a_text_has_up_to_5000_code_units() {
        check(
            &json!({"type": "text", "text": "早安"}),
            r#"
            /text       | null     | is missing; LINE takes no `text` message without it
            /text       | ""       | is empty
            /text       | 5        | is not a text; write it in double quotes
            /text       | x*5000   |
            /text       | x*5001   | has 5001 UTF-16 code units; LINE takes 5000
            /text       | 🎄*2500  |
            /text       | 🎄*2501  | has 5002 UTF-16 code units
            /quoteToken | "yHAz4U" |
            /quoteToken | 7        | is not a text
            /txet       | "hi"     | ?is no field of the `text` message
            "#,
        );
    }

    #[test]
    fn a_line_emoji_stands_at_a_dollar_sign() {
        let emoji = json!({"index": 0, "productId": "5ac1bfd5", "emojiId": "001"});
        check(
            &json!({"type": "text", "text": "$ 早 🎄$", "emojis": [emoji]}),
            r#"
            /emojis               | []         |
            /emojis               | 20 items   |
            /emojis               | 21 items   | has 21 items; LINE takes up to 20
            /emojis/0/index       | 6          |
            /emojis/0/index /text | 1          | has no `$` at position 1
            /emojis/0/index /text | 7          | has no `$` at position 7
            /emojis/0/index       | -1         | is out of range; LINE takes a number from 0
            /emojis/0/index       | 0.5        | is not a whole number
            /emojis/0/index       | null       | is missing; LINE takes no LINE emoji without it
            /emojis/0/index       | "0"        | is not a number; write it without quotes
            /emojis/0/productId   | null       | is missing
            /emojis/0/emojiId     | ""         | is empty
            /text                 | "early: $" | has no `$` at position 0
            "#,
        );
    }

    #[test]
    fn every_placeholder_has_a_substitution() {
        let laugh = json!({"type": "emoji", "productId": "5a8555cf", "emojiId": "002"});
        check(
            &json!({"type": "textV2", "text": "Hi {laugh}", "substitution": {"laugh": laugh}}),
            r#"
            /text                                | "{{laugh}}"  |
            /text                                | "no brace"   |
            /text                                | "{Laugh}"    | has a placeholder in braces that
            /text                                | "Hi {"       | has a brace without its partner
            /text                                | x*5001       | has 5001 UTF-16 code units
            /substitution /text                  | null         | has a placeholder
            /substitution/laugh/emojiId          | null         | is missing
            /substitution/a                      | "text"       | is not an object
            /substitution/a /substitution/a/type | {"type": ""} | is no type of substitution
            "#,
        );
        let name = |key: String| {
            let substitution = json!({"laugh": laugh, key: laugh});
            json!({"type": "textV2", "text": "Hi {laugh}", "substitution": substitution})
        };
        for (key, fits) in [("a_1Z", true), ("a-1", false), ("早", false), ("", false)] {
            assert_eq!(problems(&[name(key.into())]).is_empty(), fits, "{key}");
        }
        for (n, fits) in [(20, true), (21, false)] {
            assert_eq!(problems(&[name("k".repeat(n))]).is_empty(), fits);
        }
    }

    #[test]
    fn a_substitution_has_up_to_a_hundred_names() {
        let emoji = json!({"type": "emoji", "productId": "a", "emojiId": "b"});
        let names = |n| (0..n).map(|i| (format!("k{i}"), emoji.clone()));
        let many = |n| Value::Object(names(n).collect::<Map<_, _>>());
        check(
            &json!({"type": "textV2", "text": "Hi", "substitution": many(100)}),
            &format!(
                "/substitution | {} | has 101 names; LINE takes 100",
                many(101)
            ),
        );
    }

    #[test]
    fn a_mention_names_a_user_or_all_and_is_for_groups() {
        let mention = |mentionee: Value| json!({"type": "mention", "mentionee": mentionee});
        for (mentionee, at, found) in [
            (json!({"type": "all"}), "", "?is a mention"),
            (json!({"type": "user", "userId": "U1"}), "", "?is a mention"),
            (json!({"type": "user"}), "/mentionee/userId", "is missing"),
            (
                json!({"type": "bot"}),
                "/mentionee/type",
                "is no type of mentionee",
            ),
            (json!(null), "/mentionee", "is missing"),
        ] {
            let mention = mention(mentionee);
            check(
                &json!({"type": "textV2", "text": "Hi", "substitution": {}}),
                &format!("/substitution/a /substitution/a{at} | {mention} | {found}"),
            );
        }
    }
}
