//! The campaign as its JSON writes it, and the fields that are read one by one.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::CampaignError;
use crate::channel::{Channel, OnUnknown};
use crate::list::{Encoding, Format};

/// What Scheduler replaces with the time at which it fires.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
pub const SCHEDULED_TIME_PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

/// A campaign whose fields are of the right kind and not checked further.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCampaign {
    pub(super) campaign: String,
    pub(super) channel: Channel,
    pub(super) recipients: Value,
    pub(super) messages: Value,
    #[serde(default)]
    pub(super) notification_disabled: bool,
    pub(super) deliver_at: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) scheduled_time: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) encoding: Option<Encoding>,
    pub(super) sheet: Option<String>,
    pub(super) max_bad_rows: Option<Value>,
    #[serde(default)]
    pub(super) on_unknown: OnUnknown,
    /// The ledger's rule reads it.
    #[serde(rename = "canary")]
    _canary: Option<IgnoredAny>,
    /// The ledger's rule reads it.
    #[serde(rename = "brake")]
    _brake: Option<IgnoredAny>,
    /// The producer writes it into the run's record.
    #[serde(rename = "resend_of")]
    _resend_of: Option<String>,
}

/// The id, if it is one.
pub(super) fn id(text: String) -> Result<String, CampaignError> {
    let in_set = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(in_set) {
        return Ok(text);
    }
    Err(CampaignError::field(
        "campaign",
        "is not an id: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`",
    ))
}

/// The time that `field` holds.
pub(super) fn time(field: &str, text: Option<&String>) -> Result<Option<Timestamp>, CampaignError> {
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

/// The time at which Scheduler fired.
pub(super) fn scheduled_time(text: Option<&String>) -> Result<Option<Timestamp>, CampaignError> {
    if text.is_some_and(|text| text == SCHEDULED_TIME_PLACEHOLDER) {
        return Err(CampaignError::field(
            "scheduled_time",
            format!(
                "still holds `{SCHEDULED_TIME_PLACEHOLDER}`, which only EventBridge Scheduler \
                 fills in: write a time or leave the field out"
            ),
        ));
    }
    time("scheduled_time", text)
}
