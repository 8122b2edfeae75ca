//! The placeholders of a `textV2` message.
//!
//! `{key}` stands for what `substitution` has under `key`; `{{` and `}}` stand for a brace.
//! <https://developers.line.biz/en/reference/messaging-api/#text-message-v2>

use std::borrow::Cow;

use super::super::problem::{Refusal, in_backticks};

/// Mentions, and also emojis, that one message may have.
const MAX_OF_A_KIND: usize = 20;

/// `value`, ready to stand in the text of a `textV2` message: each brace is doubled, so that LINE
/// shows the value as it is and takes no part of it for a placeholder.
pub fn double_braces(value: &str) -> Cow<'_, str> {
    if !value.contains(['{', '}']) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.replace('{', "{{").replace('}', "}}"))
}

/// The keys of `substitution`, and the `type` of what each stands for.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct Placeholders(pub(in super::super) Vec<(String, String)>);

impl Placeholders {
    /// Reads `text` from the left, as LINE does: `{{` and `}}` first, then `{key}`.
    pub(in super::super) fn check(&self, text: &str) -> Result<(), Refusal> {
        let mut uses = Vec::new();
        let mut rest = text;
        while let Some(at) = memchr::memchr2(b'{', b'}', rest.as_bytes()) {
            let (_, braces) = rest.split_at(at);
            rest = if let Some(after) = doubled(braces) {
                after
            } else {
                let (key, after) = placeholder(braces).ok_or_else(unpaired)?;
                uses.push(self.kind(key)?);
                after
            };
        }
        for kind in ["mention", "emoji"] {
            let n = uses.iter().filter(|used| **used == kind).count();
            if n > MAX_OF_A_KIND {
                return Err(Refusal::new(format!(
                    "has {n} placeholders of type `{kind}`; LINE takes {MAX_OF_A_KIND} in a message"
                )));
            }
        }
        Ok(())
    }

    fn kind(&self, key: &str) -> Result<&str, Refusal> {
        let known = self.0.iter().find(|(known, _)| known == key);
        known
            .map(|(_, kind)| kind.as_str())
            .ok_or_else(|| self.unknown())
    }

    /// Without the unknown name: in a row, it may come from a value.
    fn unknown(&self) -> Refusal {
        let keys = in_backticks(self.0.iter().map(|(key, _)| key.as_str()));
        let has = if keys.is_empty() {
            "which is missing".to_owned()
        } else {
            format!("which has {keys}")
        };
        Refusal::new(format!(
            "has a placeholder in braces that is not in `substitution`, {has}; \
             write a brace that is to be seen as `{{{{` or `}}}}`"
        ))
    }
}

fn doubled(braces: &str) -> Option<&str> {
    braces
        .strip_prefix("{{")
        .or_else(|| braces.strip_prefix("}}"))
}

/// The key of the placeholder at the beginning of `braces`, and what comes after it.
fn placeholder(braces: &str) -> Option<(&str, &str)> {
    let (key, after) = braces.strip_prefix('{')?.split_once('}')?;
    (!key.contains('{')).then_some((key, after))
}

fn unpaired() -> Refusal {
    Refusal::new(
        "has a brace without its partner; write a brace that is to be seen as `{{` or `}}`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Placeholders {
        let pair = |key: &str, kind: &str| (key.to_owned(), kind.to_owned());
        Placeholders(vec![pair("user1", "mention"), pair("laugh", "emoji")])
    }

    #[test]
    fn braces_are_pairs_doubled_or_known_placeholders() {
        for (text, start) in [
            ("", ""),
            ("no brace", ""),
            ("Hi {user1}! {laugh}{laugh}", ""),
            ("{{^_^}}", ""),
            ("{{}}", ""),
            ("{{{user1}}}", ""),
            ("a}}b{{c", ""),
            ("{", "has a brace without"),
            ("}", "has a brace without"),
            ("{^_^}", "has a placeholder"),
            ("Bo}", "has a brace without"),
            ("{us{er1}", "has a brace without"),
            ("{{{", "has a brace without"),
            ("{user1}}", "has a brace without"),
            ("{user2}", "has a placeholder"),
            ("{ user1 }", "has a placeholder"),
            ("{}", "has a placeholder"),
        ] {
            let problem = keys()
                .check(text)
                .err()
                .map_or(String::new(), |r| r.problem);
            assert!(problem.starts_with(start), "{text}: {problem}");
            assert_eq!(problem.is_empty(), start.is_empty(), "{text}: {problem}");
        }
    }

    #[test]
    fn a_message_has_twenty_mentions_and_twenty_emojis() {
        let text = |users, laughs| "{user1}".repeat(users) + &"{laugh}".repeat(laughs);
        assert_eq!(keys().check(&text(20, 20)), Ok(()));
        for (users, laughs) in [(21, 0), (0, 21)] {
            let problem = keys().check(&text(users, laughs)).unwrap_err().problem;
            assert!(problem.starts_with("has 21 placeholders"), "{problem}");
        }
    }

    #[test]
    fn the_sentence_names_the_keys_and_no_value() {
        let problem = |keys: Placeholders| keys.check("{Ann}").unwrap_err().problem;
        assert!(problem(keys()).contains("which has `user1`, `laugh`;"));
        assert!(problem(Placeholders::default()).contains("which is missing;"));
        assert!(!problem(keys()).contains("Ann"));
    }

    proptest! {
        #[test]
        fn a_doubled_value_is_taken_wherever_it_stands(value in "\\PC{0,8}|[{}a]{0,8}") {
            let text = format!("Hi {}{{user1}}{}", double_braces(&value), double_braces(&value));
            prop_assert_eq!(keys().check(&text), Ok(()));
            let shown = double_braces(&value).replace("{{", "{").replace("}}", "}");
            prop_assert_eq!(shown, value);
        }
    }
}
