//! The campaign as its JSON writes it, and the fields that are read one by one.

use jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::CampaignError;
use super::field_schema;
use super::lane::Lane;
use crate::channel::{Channel, OnUnknown};
use crate::list::{Encoding, Format};

/// What Scheduler replaces with the time at which it fires.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
pub const SCHEDULED_TIME_PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

// The fields are of the right kind and not checked further. The comments are the descriptions in
// the schema.
/// What is sent, and to whom.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCampaign {
    /// Where the schema of this file is, for editors. `fanline schema` prints it.
    #[serde(rename = "$schema")]
    #[schemars(with = "Option<String>")]
    _schema: Option<IgnoredAny>,
    /// The id: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. The same id with the same
    /// `scheduled_time` is the same run, and a run is never sent twice. Take a new id for a new
    /// message.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub(super) campaign: String,
    /// `line` (the Messaging API), or `line-notify` for servers that still speak LINE Notify's
    /// protocol.
    pub(super) channel: Channel,
    /// The list: `s3://BUCKET/KEY`, a path relative to this file (command line only), or the rows
    /// themselves. A row has `to` (`token` for `line-notify`) and the columns of the templates.
    #[schemars(schema_with = "field_schema::recipients")]
    pub(super) recipients: Value,
    /// For `line`: 1 to 5 message objects of the Messaging API. For `line-notify`: one object with
    /// `message`. Every text in it may be a template, such as `{{ name }}`.
    #[schemars(schema_with = "field_schema::messages")]
    pub(super) messages: Value,
    /// `true`: the phone makes no sound.
    #[serde(default)]
    pub(super) notification_disabled: bool,
    /// `true`: LINE counts who opens the run's messages and follows their links, for
    /// `fanline stats`. It can't be added later. An account has 1,000 such runs a month. For
    /// `line`.
    #[serde(default)]
    pub(super) statistics: bool,
    /// Nothing is sent before this time, such as `2026-12-25T08:00:00+08:00`. At most 15 minutes
    /// after the producer starts.
    #[serde(default)]
    #[schemars(schema_with = "field_schema::time")]
    pub(super) deliver_at: Option<String>,
    /// Nothing is sent after this time, such as `2026-12-25T12:00:00+08:00`. What comes too late is
    /// counted as `expired`.
    #[serde(default)]
    #[schemars(schema_with = "field_schema::time")]
    pub(super) expires_at: Option<String>,
    /// A part of the run's name, so that a campaign can be sent each day. EventBridge Scheduler
    /// fills it in.
    #[serde(default)]
    #[schemars(schema_with = "field_schema::time")]
    pub(super) scheduled_time: Option<String>,
    /// How the list is written, where its file name does not say: `csv`, `ndjson` or `xlsx`.
    pub(super) format: Option<Format>,
    /// The list's encoding, such as `big5` or `shift_jis`, where it is neither UTF-8 nor UTF-16.
    #[schemars(with = "Option<String>")]
    pub(super) encoding: Option<Encoding>,
    /// The sheet of an `.xlsx` list, where it is not the first one.
    pub(super) sheet: Option<String>,
    /// How many bad rows a list may have: a number, or a share such as `"1%"`, which is the
    /// default. With more, nothing is sent.
    #[serde(default)]
    #[schemars(schema_with = "field_schema::number_or_share")]
    pub(super) max_bad_rows: Option<Value>,
    /// `urgent`: the run has a queue and consumers of its own, so it does not wait behind other
    /// runs. The stack needs `UrgentLane=ENABLED`. `bulk` is the default.
    #[serde(default)]
    pub(super) lane: Lane,
    /// For `line-notify`, where no answer came: `retry` sends again and may reach somebody twice,
    /// `park` sets the message aside for a person to decide.
    #[serde(default)]
    pub(super) on_unknown: OnUnknown,
    /// A fair sample that is sent first: `{"share": "1%", "wait_seconds": 300}`, or a number of
    /// people as the share. The rest waits until it is released.
    #[serde(rename = "canary", default)]
    #[schemars(schema_with = "field_schema::canary")]
    _canary: Option<IgnoredAny>,
    /// The share of refused people at which the run pauses itself: `{"refused": "5%"}`, which is
    /// the default. `100%` switches it off.
    #[serde(rename = "brake", default)]
    #[schemars(schema_with = "field_schema::brake")]
    _brake: Option<IgnoredAny>,
    /// The producer writes it into the run's record.
    #[serde(rename = "resend_of")]
    _resend_of: Option<String>,
}

/// The JSON Schema of a campaign, for editors and for `fanline explain`: it is made from the type
/// that reads campaigns. <https://json-schema.org/draft/2020-12/schema>
pub fn schema() -> Value {
    // Each field stands as a whole where it is, so that a reader need not follow references.
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let generator = settings.into_generator();
    let mut schema = generator.into_root_schema_for::<WrittenCampaign>();
    schema.insert("title".to_owned(), "A campaign of fanline".into());
    schema.to_value()
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
