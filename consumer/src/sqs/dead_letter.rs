//! A delivery that is set aside: its body as it was, and the reason beside it.

use aws_sdk_sqs::types::MessageAttributeValue;
use fanline_core::limits::sqs::{MAX_BYTES, is_fifo};
use fanline_core::outcome::DeadLetterReason;
use fanline_core::surroundings::Random;
use fanline_telemetry::aws_error;
use uuid::Uuid;

/// SQS takes no empty message, so an empty record is set aside as this.
const EMPTY_BODY: &str = "(empty)";
/// The message group of a dead letter whose record had none.
const DEFAULT_GROUP: &str = "dead-letters";

/// Why a delivery is set aside: the attributes of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// `reason`.
    pub reason: DeadLetterReason,
    /// `status`: the channel's, if it answered.
    pub status: Option<u16>,
    /// `line_message`: the channel's text, cut and masked, or ours if there is none.
    pub line_message: String,
    /// `request_id`: `X-Line-Request-Id`.
    pub request_id: Option<String>,
    /// `run`.
    pub run: Option<String>,
    /// `receive_count`: how often the record had been received.
    pub receive_count: u32,
}

impl DeadLetter {
    /// Name, type and value of each attribute that fits beside a body of `body` bytes. The most
    /// telling ones come first.
    pub(crate) fn attributes(&self, body: usize) -> Vec<(&'static str, &'static str, String)> {
        let all = [
            ("reason", "String", Some(self.reason.as_str().to_owned())),
            (
                "status",
                "Number",
                self.status.map(|status| status.to_string()),
            ),
            ("line_message", "String", Some(self.line_message.clone())),
            ("request_id", "String", self.request_id.clone()),
            ("run", "String", self.run.clone()),
            (
                "receive_count",
                "Number",
                Some(self.receive_count.to_string()),
            ),
        ];
        let mut room = MAX_BYTES.saturating_sub(body);
        let mut fitting = Vec::with_capacity(all.len());
        for (name, kind, value) in all {
            // SQS refuses an attribute with an empty value, or with control characters.
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                continue;
            };
            let size = name.len() + kind.len() + value.len();
            if size <= room && !value.chars().any(char::is_control) {
                room -= size;
                fitting.push((name, kind, value));
            }
        }
        fitting
    }
}

/// The dead-letter queue did not take a dead letter. The record must come again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DeadLetterError(String);

/// The dead-letter queue.
pub(crate) struct DeadLetterQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
    random: Random,
}

impl DeadLetterQueue {
    /// The queue at `url`.
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, url: String, random: Random) -> Self {
        Self { sqs, url, random }
    }

    /// Sets `body` aside, at least once: if the record comes again all the same, it is set aside
    /// again.
    pub(crate) async fn send(
        &self,
        body: &str,
        letter: &DeadLetter,
        fifo_group: Option<&str>,
    ) -> Result<(), DeadLetterError> {
        let body = if body.is_empty() { EMPTY_BODY } else { body };
        let mut request = self
            .sqs
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        for (name, kind, value) in letter.attributes(body.len()) {
            request = request.message_attributes(name, attribute(kind, value));
        }
        if is_fifo(&self.url) {
            // Drawn, not derived. A letter that is redriven and set aside again within five minutes
            // is not a duplicate.
            request = request
                .message_group_id(fifo_group.unwrap_or(DEFAULT_GROUP))
                .message_deduplication_id(Uuid::from_u128(self.random.bits()).to_string());
        }
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|error| DeadLetterError(aws_error::words(&error)))
    }
}

#[expect(
    clippy::expect_used,
    reason = "the type, all that the builder needs, is set"
)]
fn attribute(kind: &str, value: String) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value)
        .build()
        .expect("a complete attribute")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            reason: DeadLetterReason::Refused,
            status: Some(400),
            line_message: "Failed to send messages".into(),
            request_id: Some("b3f7".into()),
            run: Some("xmas".into()),
            receive_count: 2,
        }
    }

    fn names(letter: &DeadLetter, body: usize) -> Vec<&'static str> {
        letter
            .attributes(body)
            .into_iter()
            .map(|(name, _, _)| name)
            .collect()
    }

    #[test]
    fn every_attribute_that_is_known_is_there() {
        assert_eq!(
            names(&letter(), 100),
            [
                "reason",
                "status",
                "line_message",
                "request_id",
                "run",
                "receive_count"
            ]
        );
        let bare = DeadLetter {
            status: None,
            line_message: String::new(),
            request_id: None,
            run: None,
            ..letter()
        };
        assert_eq!(names(&bare, 100), ["reason", "receive_count"]);
    }

    #[test]
    fn beside_the_largest_body_the_reason_goes_first_and_nothing_passes_the_limit() {
        assert!(names(&letter(), MAX_BYTES).is_empty());
        assert_eq!(names(&letter(), MAX_BYTES - 19), ["reason"]);
        for body in MAX_BYTES - 200..=MAX_BYTES {
            let size: usize = letter()
                .attributes(body)
                .iter()
                .map(|(name, kind, value)| name.len() + kind.len() + value.len())
                .sum();
            assert!(body + size <= MAX_BYTES);
        }
    }

    #[test]
    fn what_sqs_refuses_in_an_attribute_is_left_out() {
        let odd = DeadLetter {
            run: Some("a\u{1}b".into()),
            ..letter()
        };
        assert!(!names(&odd, 100).contains(&"run"));
    }
}
