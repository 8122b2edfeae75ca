//! What LINE's error bodies say. The texts are hints and never decide alone, and no ID is quoted.

use serde::Deserialize;

/// What a 400 on a multicast blames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The recipients at these positions of `to`.
    Recipients(Vec<usize>),
    /// The messages, or another field that all recipients share. A split would not help.
    Content,
    /// Nobody by name. Perhaps the channel does not know a recipient.
    Nobody,
}

/// An error body. LINE may leave out every part of it.
/// <https://developers.line.biz/en/reference/messaging-api/#error-responses>
#[derive(Default, Deserialize)]
struct ErrorBody {
    message: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    message: Option<String>,
    property: Option<String>,
}

/// Whom or what the body of a 400 blames.
pub(crate) fn blame(body: &str) -> Blame {
    // A body of another form blames nobody.
    let error: ErrorBody = serde_json::from_str(body).unwrap_or_default();
    let message = error.message.as_deref().unwrap_or("");
    let properties: Vec<&str> = error
        .details
        .iter()
        .filter_map(|detail| detail.property.as_deref())
        .chain(named_property(message))
        .collect();
    let mut recipients: Vec<usize> = properties
        .iter()
        .filter_map(|property| position(property))
        .collect();
    recipients.sort_unstable();
    recipients.dedup();
    if !recipients.is_empty() {
        Blame::Recipients(recipients)
    } else if properties.iter().any(|property| *property != "to")
        || message.contains("could not be parsed")
    {
        Blame::Content
    } else {
        Blame::Nobody
    }
}

/// `X` of "The property, X, in the request body is invalid".
/// <https://developers.line.biz/en/reference/messaging-api/#error-responses>
fn named_property(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("property, ")?;
    // Some responses have it in quotes: https://github.com/line/line-bot-sdk-java/issues/54
    Some(rest.split([',', ' ']).next()?.trim_matches('\''))
}

/// `n` of `to[n]`.
fn position(property: &str) -> Option<usize> {
    property
        .strip_prefix("to[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// What the body says, in one line for a person. It names nobody: `recipients` are masked, and so
/// is everything that looks like an ID or a token.
pub(crate) fn quote(body: &str, recipients: &[String]) -> String {
    let mut text = text_of(body);
    for recipient in recipients.iter().filter(|recipient| !recipient.is_empty()) {
        text = text.replace(recipient.as_str(), MASK);
    }
    cut(&mask(&text))
}

/// The message and the details. A body of another form is taken as it is.
fn text_of(body: &str) -> String {
    let Ok(ErrorBody {
        message: Some(mut text),
        details,
    }) = serde_json::from_str(body)
    else {
        return body.to_owned();
    };
    for Detail { message, property } in &details {
        let property = property.as_deref().unwrap_or("");
        let message = message.as_deref().unwrap_or("");
        text.push_str("; ");
        text.push_str(property);
        text.push_str(": ");
        text.push_str(message);
    }
    text
}

const MASK: &str = "…";
/// Longer words are masked. A LINE ID has 33 characters, and a token has more.
const MAX_WORD: usize = 20;
/// A message attribute could hold more, but a person wants to read it at a glance.
const MAX_QUOTE: usize = 256;

fn mask(text: &str) -> String {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_' | '-' | '/');
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(rest.find(|c| !in_word(c)).unwrap_or(rest.len()));
        masked.push_str(if word.len() > MAX_WORD { MASK } else { word });
        let (between, next) = tail.split_at(tail.find(in_word).unwrap_or(tail.len()));
        masked.push_str(between);
        rest = next;
    }
    masked
}

/// At most [`MAX_QUOTE`] characters, and none that SQS refuses in a message attribute.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn cut(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if c.is_control() => ' ',
            c => c,
        })
        .take(MAX_QUOTE)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USER: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";

    #[test]
    fn a_blamed_recipient_is_found_in_text_and_details() {
        for (body, expected) in [
            (
                r#"{"message":"The property, to[17], in the request body is invalid (line: -, column: -)"}"#,
                Blame::Recipients(vec![17]),
            ),
            (
                r#"{"message":"The request body has 2 error(s)","details":[{"message":"x","property":"to[3]"},{"message":"x","property":"to[1]"}]}"#,
                Blame::Recipients(vec![1, 3]),
            ),
            (r#"{"message":"Failed to send messages"}"#, Blame::Nobody),
            (
                r#"{"message":"The request body has 1 error(s)","details":[{"message":"Size must be between 1 and 500","property":"to"}]}"#,
                Blame::Nobody,
            ),
            (
                r#"{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}"#,
                Blame::Content,
            ),
            (
                r#"{"message":"The property, messages[0].to[1], in the request body is invalid"}"#,
                Blame::Content,
            ),
            (
                r#"{"message":"The request body could not be parsed as JSON (line: 1, column: 2)"}"#,
                Blame::Content,
            ),
            (
                r#"{"message":"to[x] to[-1] to[99999999999999999999999]"}"#,
                Blame::Nobody,
            ),
            (
                r#"{"message":"The property, 'to[2]', in the request body is invalid"}"#,
                Blame::Recipients(vec![2]),
            ),
            (
                r#"{"message":"The property, 'to', in the request body is invalid"}"#,
                Blame::Nobody,
            ),
            ("", Blame::Nobody),
            ("to[1]", Blame::Nobody),
            (r#"{"details":[{}]}"#, Blame::Nobody),
        ] {
            assert_eq!(blame(body), expected, "{body}");
        }
    }

    #[test]
    fn a_quotation_is_short_readable_and_names_nobody() {
        let body = format!(
            r#"{{"message":"{USER} is not a friend","details":[{{"message":"bad","property":"to[0]"}}]}}"#
        );
        assert_eq!(quote(&body, &[]), "… is not a friend; to[0]: bad");
        assert_eq!(quote("hello bob\u{0}\n", &["bob".into()]), "hello …");
        assert_eq!(quote(&"早 ".repeat(400), &[]).chars().count(), 255);
        assert_eq!(quote("", &[]), "");
    }

    proptest! {
        #[test]
        fn no_id_survives_a_quotation(
            before in "\\PC{0,40}",
            kind in "[UCRucr]",
            id in "[0-9a-fA-F]{32}",
            after in "\\PC{0,300}",
        ) {
            let id = format!("{kind}{id}");
            let quoted = quote(&format!("{before}{id}{after}"), &[]);
            prop_assert!(!quoted.contains(&id));
            prop_assert!(quoted.chars().count() <= 256);
        }

        #[test]
        fn no_body_is_too_odd_to_read(body in "\\PC{0,200}") {
            blame(&body);
            quote(&body, &[]);
        }
    }
}
