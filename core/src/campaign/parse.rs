//! From a campaign's JSON to a [`Campaign`]: every field is checked, and a problem names its field.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Campaign, CampaignError, MaxBadRows, Recipients, SCHEDULED_TIME_PLACEHOLDER};
use crate::channel::{Channel, OnUnknown};
use crate::list::Format;
use crate::s3_uri::S3Uri;
use crate::template::MessageTemplate;

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
        Value::String(text) if S3Uri::is_meant(&text) => S3Uri::object(&text)
            .map(Recipients::S3)
            .map_err(|error| CampaignError::field("recipients", error.to_string())),
        Value::String(text) if text.is_empty() => {
            Err(CampaignError::field("recipients", "is empty"))
        }
        Value::String(text) => Ok(Recipients::Path(text)),
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
