//! What to send, to whom and when: read once and checked whole.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::channel::{Channel, OnUnknown};
use crate::delivery::Envelope;
use crate::list::Format;
use crate::template::{MessageTemplate, TemplateError};

/// Where the rows are.
#[derive(Debug, Clone, PartialEq)]
pub enum Recipients {
    /// `s3://bucket/key`.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
    },
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

/// The campaign as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    campaign: String,
    channel: Channel,
    recipients: Value,
    messages: Value,
    #[serde(default)]
    notification_disabled: bool,
    deliver_at: Option<String>,
    expires_at: Option<String>,
    scheduled_time: Option<String>,
    format: Option<Format>,
    max_bad_rows: Option<Value>,
    #[serde(default)]
    on_unknown: OnUnknown,
}

/// What Scheduler replaces with the firing's time. <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
pub const SCHEDULED_TIME_PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

/// An entry can be delayed 900 seconds at most. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub const MAX_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_secs(900);

impl Campaign {
    /// Reads a campaign from JSON and checks all of it.
    pub fn parse(json: &str) -> Result<Self, CampaignError> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        Self::check(
            serde_json::from_str(json).map_err(|error| CampaignError::Json(error.to_string()))?,
        )
    }

    /// The same from a value that has been read already, such as a Lambda event.
    pub fn from_value(value: Value) -> Result<Self, CampaignError> {
        Self::check(
            serde_json::from_value(value)
                .map_err(|error| CampaignError::Json(error.to_string()))?,
        )
    }

    fn check(written: Written) -> Result<Self, CampaignError> {
        let id = written.campaign;
        let in_set = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !(1..=64).contains(&id.len()) || !id.bytes().all(in_set) {
            return Err(CampaignError::field(
                "campaign",
                "is not an id: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`",
            ));
        }
        let deliver_at = time("deliver_at", written.deliver_at)?;
        let expires_at = time("expires_at", written.expires_at)?;
        if let (Some(deliver_at), Some(expires_at)) = (deliver_at, expires_at)
            && expires_at <= deliver_at
        {
            return Err(CampaignError::field(
                "expires_at",
                "is not after `deliver_at`: nothing could ever be sent",
            ));
        }
        if written.scheduled_time.as_deref() == Some(SCHEDULED_TIME_PLACEHOLDER) {
            return Err(CampaignError::field(
                "scheduled_time",
                format!(
                    "still holds `{SCHEDULED_TIME_PLACEHOLDER}`, which only EventBridge Scheduler fills in: write a time or leave the field out"
                ),
            ));
        }
        Ok(Self {
            id,
            channel: written.channel,
            recipients: recipients(written.recipients)?,
            format: written.format,
            messages: MessageTemplate::compile(written.channel, written.messages)?,
            notification_disabled: written.notification_disabled,
            deliver_at,
            expires_at,
            scheduled_time: time("scheduled_time", written.scheduled_time)?,
            max_bad_rows: max_bad_rows(written.max_bad_rows)?,
            on_unknown: written.on_unknown,
        })
    }

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
            .filter(jiff::SignedDuration::is_positive)
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
        Ok(u16::try_from(whole.min(MAX_DELAY.as_secs())).unwrap_or(900))
    }
}

fn time(field: &str, text: Option<String>) -> Result<Option<Timestamp>, CampaignError> {
    text.map(|text| {
        text.parse().map_err(|_| {
            CampaignError::field(
                field,
                "is not a time with its offset, such as `2026-12-25T08:00:00+08:00`",
            )
        })
    })
    .transpose()
}

fn recipients(value: Value) -> Result<Recipients, CampaignError> {
    match value {
        Value::String(text) => match text.strip_prefix("s3://") {
            Some(rest) => match rest.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                    Ok(Recipients::S3 {
                        bucket: bucket.into(),
                        key: key.into(),
                    })
                }
                _ => Err(CampaignError::field(
                    "recipients",
                    "is not `s3://BUCKET/KEY`",
                )),
            },
            None if text.is_empty() => Err(CampaignError::field("recipients", "is empty")),
            None => Ok(Recipients::Path(text)),
        },
        Value::Array(rows) => rows
            .into_iter()
            .enumerate()
            .map(|(i, row)| match row {
                Value::Object(row) => Ok(row),
                _ => Err(CampaignError::field(
                    format!("recipients[{i}]"),
                    "is not an object such as `{\"to\": \"U…\"}`",
                )),
            })
            .collect::<Result<_, _>>()
            .map(Recipients::Inline),
        _ => Err(CampaignError::field(
            "recipients",
            "is neither an `s3://` URI, nor a path, nor a list of rows",
        )),
    }
}

fn max_bad_rows(value: Option<Value>) -> Result<MaxBadRows, CampaignError> {
    let problem = || {
        CampaignError::field(
            "max_bad_rows",
            "is neither a number of rows nor a share such as `\"1%\"`",
        )
    };
    match value {
        None => Ok(MaxBadRows::Share(0.01)),
        Some(Value::Number(n)) => n.as_u64().map(MaxBadRows::Rows).ok_or_else(problem),
        Some(Value::String(text)) => {
            let percent: f64 = text
                .strip_suffix('%')
                .and_then(|n| n.trim().parse().ok())
                .ok_or_else(problem)?;
            if (0.0..=100.0).contains(&percent) {
                Ok(MaxBadRows::Share(percent / 100.0))
            } else {
                Err(problem())
            }
        }
        Some(_) => Err(problem()),
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
            Recipients::S3 {
                bucket: "my-bucket".into(),
                key: "lists/friends.csv".into()
            }
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
