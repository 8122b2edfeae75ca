//! Whether LINE would accept an array of message objects: fanline's own rules, in LINE's form.
//!
//! The rules are sourced and tested in `fanline_core::line_message`. A stand-in with fewer rules
//! would take messages in a rehearsal that LINE refuses.

use std::borrow::Cow;

use fanline_core::line_message::{Problem, problems};
use serde_json::Value;

/// A request has at most 5 message objects.
/// <https://developers.line.biz/en/reference/messaging-api/#send-push-message>
const MAX_MESSAGES: usize = 5;

/// One of the `details` of LINE's 400.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ErrorDetail {
    message: Cow<'static, str>,
    property: String,
}

impl ErrorDetail {
    /// What is wrong with this property.
    pub(crate) fn new(message: impl Into<Cow<'static, str>>, property: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            property: property.into(),
        }
    }
}

impl From<Problem> for ErrorDetail {
    /// In LINE's words where somebody has published them, in fanline's where nobody has.
    fn from(problem: Problem) -> Self {
        let message = problem.line_says.unwrap_or(problem.problem.into());
        Self::new(message, problem.property)
    }
}

/// Everything that LINE would find wrong with the message objects, in their order.
pub(crate) fn check_message_objects(messages: &[Value]) -> Vec<ErrorDetail> {
    if messages.is_empty() || messages.len() > MAX_MESSAGES {
        let size = format!("Size must be between 1 and {MAX_MESSAGES}");
        return vec![ErrorDetail::new(size, "messages")];
    }
    problems(messages).into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Checks that each message has one error: the text for the property.
    fn expect_errors(table: &[(Value, &'static str, &'static str)]) {
        for (message, property, text) in table {
            let details = check_message_objects(std::slice::from_ref(message));
            let expected = ErrorDetail::new(*text, format!("messages[0].{property}"));
            assert_eq!(details, [expected], "{message}");
        }
    }

    #[test]
    fn an_error_is_in_lines_words_where_they_are_known() {
        let text = |text: Value| json!({"type": "text", "text": text});
        let action = json!({"type": "message", "label": "a", "text": "b"});
        let items = vec![json!({"type": "action", "action": action}); 14];
        expect_errors(&[
            (text(json!("")), "text", "May not be empty"),
            (json!({"type": "text"}), "text", "May not be empty"),
            (
                text(json!("🎄".repeat(2501))),
                "text",
                "Length must be between 0 and 5000",
            ),
            (
                json!({"type": "nothing"}),
                "type",
                "Must be one of the following values: [text, textV2, sticker, image, video, \
                 audio, location, imagemap, template, flex, coupon]",
            ),
            (
                json!({"type": "sticker", "packageId": "1"}),
                "stickerId",
                "May not be empty",
            ),
            (
                json!({"type": "text", "text": "a", "quickReply": {"items": items}}),
                "quickReply.items",
                "must not be more than 13 items",
            ),
        ]);
    }

    #[test]
    fn an_error_whose_words_nobody_has_published_is_in_fanlines() {
        let url = "https://example.com/a.jpg";
        expect_errors(&[
            (
                json!({"type": "text", "text": 5}),
                "text",
                "is not a text; write it in double quotes",
            ),
            (
                json!({"type": "image", "originalContentUrl": "http://example.com/a.jpg",
                    "previewImageUrl": url}),
                "originalContentUrl",
                "is not `https://`; LINE takes no other URL here",
            ),
            (
                json!({"type": "audio", "originalContentUrl": url, "duration": "1"}),
                "duration",
                "is not a number; write it without quotes",
            ),
            (
                json!({"type": "textV2", "text": "Hi {"}),
                "text",
                "has a brace without its partner; write a brace that is to be seen as `{{` or `}}`",
            ),
        ]);
    }

    #[test]
    fn one_to_five_objects_are_accepted_and_every_error_is_listed() {
        let good = json!({"type": "text", "text": "a"});
        for (n, fits) in [(0, false), (1, true), (5, true), (6, false)] {
            let details = check_message_objects(&vec![good.clone(); n]);
            assert_eq!(details.is_empty(), fits, "{n}");
        }
        let details = check_message_objects(&[
            json!({"type": "text", "text": ""}),
            json!(7),
            json!({"type": "x"}),
        ]);
        let properties: Vec<_> = details.iter().map(|d| d.property.as_str()).collect();
        assert_eq!(
            properties,
            ["messages[0].text", "messages[1]", "messages[2].type"]
        );
    }
}
