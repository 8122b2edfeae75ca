//! What to send, to whom and when: read once and checked whole.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::channel::{Channel, OnUnknown};
use crate::envelope::Envelope;
use crate::list::Format;
use crate::s3_uri::S3Uri;
use crate::sqs_limits::MAX_DELAY;
use crate::template::{MessageTemplate, TemplateError};

mod parse;

/// Where the rows are.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipients {
    /// An object in S3.
    S3(S3Uri),
    /// A file on this machine: the command line only.
    Path(String),
    /// The rows themselves, one JSON object each.
    Inline(Vec<Map<String, Value>>),
}

/// The share of bad rows up to which the good ones of a slice are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxBadRows {
    /// So many rows.
    Rows(u64),
    /// A part of the slice's rows, 0 to 1.
    Share(f64),
}

impl MaxBadRows {
    /// Whether a slice with so many bad rows is sent at all.
    pub fn allows(self, bad: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => bad <= most,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a share of rows; no list has 2^52 of them"
            )]
            Self::Share(share) => bad as f64 <= share * rows as f64,
        }
    }
}

/// A campaign that has been checked: every field is valid and every template compiles.
#[derive(Debug)]
pub struct Campaign {
    /// The campaign's id, `[A-Za-z0-9._-]{1,64}`.
    pub id: String,
    /// Where it is sent.
    pub channel: Channel,
    /// Who gets it.
    pub recipients: Recipients,
    /// How the list is written, where its name does not tell.
    pub format: Option<Format>,
    /// What they get.
    pub messages: MessageTemplate,
    /// Whether the phone stays silent.
    pub notification_disabled: bool,
    /// When the deliveries become visible to the consumer.
    pub deliver_at: Option<Timestamp>,
    /// After this nothing more is sent.
    pub expires_at: Option<Timestamp>,
    /// When the schedule fired: it names the run.
    pub scheduled_time: Option<Timestamp>,
    /// More bad rows than this and nothing of a slice is sent.
    pub max_bad_rows: MaxBadRows,
    /// What becomes of an unanswered LINE Notify request.
    pub on_unknown: OnUnknown,
}

/// What is wrong with a campaign: one field, one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// Not JSON, an unknown or missing field, or one of the wrong kind. The text names field, line and column.
    #[error("{0}")]
    Json(String),
    /// A field's value can't be used.
    #[error("`{field}` {problem}")]
    Field {
        /// The field's path, such as `messages[0].text`.
        field: String,
        /// What is wrong, as the sentence's end.
        problem: String,
    },
}

impl CampaignError {
    /// A problem with one field.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl From<TemplateError> for CampaignError {
    fn from(error: TemplateError) -> Self {
        Self::Field {
            field: error.field,
            problem: error.problem,
        }
    }
}

/// What Scheduler replaces with the firing's time. <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
pub const SCHEDULED_TIME_PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

impl Campaign {
    /// The name of this firing: the id, and the scheduled time where there is one. A repeated firing has the same name, and so
    /// the same retry keys: within a day it sends nobody anything twice.
    pub fn run(&self) -> String {
        match self.scheduled_time {
            Some(time) => format!("{}@{time}", self.id),
            None => self.id.clone(),
        }
    }

    /// What all deliveries of this run have in common.
    pub fn envelope(&self, started_at: Timestamp) -> Envelope {
        Envelope {
            run: self.run(),
            channel: self.channel,
            notification_disabled: self.notification_disabled,
            on_unknown: self.on_unknown,
            started_at,
            expires_at: self.expires_at,
        }
    }

    /// How long entries published now stay hidden so that they appear at `deliver_at`, in whole seconds.
    pub fn delay_seconds(&self, now: Timestamp) -> Result<u16, CampaignError> {
        let Some(wait) = self
            .deliver_at
            .map(|at| at.duration_since(now))
            .filter(SignedDuration::is_positive)
        else {
            return Ok(0);
        };
        if wait > MAX_DELAY {
            return Err(CampaignError::field(
                "deliver_at",
                "is more than 15 minutes after the fan-out: schedule the fan-out later",
            ));
        }
        // Rounded up: a second late keeps the promise "not before", a second early breaks it.
        let whole = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        #[expect(
            clippy::expect_used,
            reason = "checked above: positive and 900 at most"
        )]
        Ok(u16::try_from(whole).expect("a delay of 1 to 900 seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn campaign() -> Value {
        json!({
            "campaign": "xmas-coupon-2026",
            "channel": "line",
            "recipients": "s3://my-bucket/lists/friends.csv",
            "messages": [{"type": "text", "text": "早安 {{ name }}！"}],
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut campaign = campaign();
        campaign[field] = value;
        campaign
    }

    #[test]
    fn a_whole_campaign_is_read() {
        let mut whole = campaign();
        whole["deliver_at"] = json!("2026-12-25T08:00:00+08:00");
        whole["expires_at"] = json!("2026-12-25T12:00:00+08:00");
        whole["scheduled_time"] = json!("2026-12-25T07:50:00+08:00");
        whole["notification_disabled"] = json!(true);
        let campaign = Campaign::from_value(whole).unwrap();
        assert_eq!(
            campaign.recipients,
            Recipients::S3(S3Uri {
                bucket: "my-bucket".into(),
                key: "lists/friends.csv".into()
            })
        );
        assert_eq!(campaign.run(), "xmas-coupon-2026@2026-12-24T23:50:00Z");
        assert_eq!(
            campaign.delay_seconds("2026-12-24T23:50:00.5Z".parse().unwrap()),
            Ok(600)
        );
        assert_eq!(
            campaign.delay_seconds("2026-12-25T01:00:00Z".parse().unwrap()),
            Ok(0)
        );
        assert!(
            campaign
                .delay_seconds("2026-12-24T23:44:59Z".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn every_mistake_is_one_sentence_that_names_its_field() {
        let six = vec![json!({"type": "text", "text": "hi"}); 6];
        for (field, value, sentence) in [
            (
                "campaign",
                json!("christmas day"),
                "`campaign` is not an id",
            ),
            ("campaign", json!(""), "`campaign` is not an id"),
            ("campaign", json!("x".repeat(65)), "`campaign` is not an id"),
            (
                "channel",
                json!("telegram"),
                "unknown variant `telegram`, expected `line` or `line-notify`",
            ),
            ("colour", json!("red"), "unknown field `colour`"),
            (
                "recipients",
                json!("s3://only-a-bucket"),
                "`recipients` is not `s3://BUCKET/KEY`",
            ),
            ("recipients", json!(5), "`recipients` is neither"),
            (
                "recipients",
                json!(["U1"]),
                "`recipients[0]` is not an object",
            ),
            (
                "messages",
                json!([]),
                "`messages` has 0 messages; LINE takes 1 to 5 in a request",
            ),
            (
                "messages",
                json!(six),
                "`messages` has 6 messages; LINE takes 1 to 5 in a request",
            ),
            (
                "messages",
                json!([{"type": "text", "text": ""}]),
                "`messages[0].text` is empty",
            ),
            (
                "messages",
                json!([{"type": "text"}]),
                "`messages[0].text` is missing",
            ),
            (
                "messages",
                json!([{"text": "hi"}]),
                "`messages[0].type` is missing",
            ),
            (
                "messages",
                json!([{"type": "text", "text": "{{ name"}]),
                "`messages[0].text` is not a template",
            ),
            (
                "messages",
                json!([{"type": "text", "text": "x".repeat(5001)}]),
                "`messages[0].text` has 5001 UTF-16 code units; LINE takes 5000",
            ),
            (
                "deliver_at",
                json!("tomorrow"),
                "`deliver_at` is not a time",
            ),
            (
                "expires_at",
                json!("2026-12-25T08:00:00"),
                "`expires_at` is not a time",
            ),
            (
                "scheduled_time",
                json!(SCHEDULED_TIME_PLACEHOLDER),
                "`scheduled_time` still holds",
            ),
            ("max_bad_rows", json!(-1), "`max_bad_rows` is neither"),
            ("max_bad_rows", json!("101%"), "`max_bad_rows` is neither"),
            ("on_unknown", json!("guess"), "unknown variant `guess`"),
            ("format", json!("xlsx"), "unknown variant `xlsx`"),
        ] {
            let error = Campaign::from_value(with(field, value))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(sentence), "{field}: {error}");
        }
    }

    #[test]
    fn a_syntax_error_names_line_and_column() {
        let error = Campaign::parse("{\n  \"campaign\": oops\n}")
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("at line 2 column 15"), "{error}");
    }

    #[test]
    fn one_in_a_hundred_bad_rows_is_allowed_unless_the_campaign_says_otherwise() {
        let default = Campaign::from_value(campaign()).unwrap().max_bad_rows;
        assert!(default.allows(10, 1000));
        assert!(!default.allows(11, 1000));
        assert!(default.allows(0, 0));
        assert!(!default.allows(1, 99));
        let rows = Campaign::from_value(with("max_bad_rows", json!(3)))
            .unwrap()
            .max_bad_rows;
        assert!(rows.allows(3, 3));
        assert!(!rows.allows(4, 1000));
        let share = Campaign::from_value(with("max_bad_rows", json!("2.5%")))
            .unwrap()
            .max_bad_rows;
        assert!(share.allows(25, 1000));
        assert!(!share.allows(26, 1000));
    }
}
