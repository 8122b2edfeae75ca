//! What to send, to whom and when. A campaign is read once and checked as a whole.

mod error;
mod field_schema;
mod lane;
mod max_bad_rows;
mod recipients;
mod written;

pub use error::CampaignError;
pub use lane::Lane;
pub use max_bad_rows::MaxBadRows;
pub use recipients::Recipients;
pub use written::{SCHEDULED_TIME_PLACEHOLDER, schema};

pub use crate::template::MessageTemplate;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::channel::{Channel, OnUnknown};
use crate::delivery::{AggregationUnit, Envelope};
use crate::limits::sqs::MAX_DELAY;
use crate::list::{Encoding, Format};
use written::WrittenCampaign;

/// A campaign that has been checked: every field is valid and every template compiles.
#[derive(Debug)]
pub struct Campaign {
    /// The campaign's id, `[A-Za-z0-9._-]{1,64}`.
    pub id: String,
    /// The channel that it is sent on.
    pub channel: Channel,
    /// The lane: an urgent campaign does not wait behind the others.
    pub lane: Lane,
    /// Who gets it.
    pub recipients: Recipients,
    /// How the list is written, if the campaign says it. Otherwise the list's name says it.
    pub format: Option<Format>,
    /// How the list's text is encoded, if the campaign says it. Otherwise it is UTF-8, or UTF-16
    /// where the list's first bytes leave no doubt.
    pub encoding: Option<Encoding>,
    /// Which sheet of a workbook is the list. Otherwise it is the first one.
    pub sheet: Option<String>,
    /// What the recipients get.
    pub messages: MessageTemplate,
    /// Whether the phone stays silent.
    pub notification_disabled: bool,
    /// Whether LINE counts what people do with the messages, in an aggregation unit of the run.
    pub statistics: bool,
    /// When the deliveries become visible to the consumer.
    pub deliver_at: Option<Timestamp>,
    /// After this time nothing more is sent.
    pub expires_at: Option<Timestamp>,
    /// When the schedule fired. It is a part of the run's name.
    pub scheduled_time: Option<Timestamp>,
    /// How many bad rows the list may have.
    pub max_bad_rows: MaxBadRows,
    /// What happens to a LINE Notify request that was not answered.
    pub on_unknown: OnUnknown,
}

impl Campaign {
    /// Reads a campaign from JSON and checks all of it.
    pub fn parse(json: &str) -> Result<Self, CampaignError> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        Self::from_written(
            serde_json::from_str(json).map_err(|error| CampaignError::of_text(json, &error))?,
        )
    }

    /// Reads a campaign from a value, such as a Lambda event, and checks all of it.
    pub fn from_value(value: Value) -> Result<Self, CampaignError> {
        let is_object = value.is_object();
        Self::from_written(
            serde_json::from_value(value)
                .map_err(|error| CampaignError::of_value(is_object, &error))?,
        )
    }

    fn from_written(written: WrittenCampaign) -> Result<Self, CampaignError> {
        let id = written::id(written.campaign)?;
        let deliver_at = written::time("deliver_at", written.deliver_at.as_ref())?;
        let expires_at = written::time("expires_at", written.expires_at.as_ref())?;
        if let (Some(deliver_at), Some(expires_at)) = (deliver_at, expires_at)
            && expires_at <= deliver_at
        {
            return Err(CampaignError::field(
                "expires_at",
                "is not after `deliver_at`: nothing could ever be sent",
            ));
        }
        if written.statistics && written.channel == Channel::LineNotify {
            return Err(CampaignError::field(
                "statistics",
                "is for the channel `line`: LINE Notify counts nothing",
            ));
        }
        Ok(Self {
            id,
            channel: written.channel,
            lane: written.lane,
            recipients: Recipients::from_value(written.recipients)?,
            format: written.format,
            encoding: written.encoding,
            sheet: written.sheet,
            messages: MessageTemplate::compile(written.channel, written.messages)?,
            notification_disabled: written.notification_disabled,
            statistics: written.statistics,
            deliver_at,
            expires_at,
            scheduled_time: written::scheduled_time(written.scheduled_time.as_ref())?,
            max_bad_rows: MaxBadRows::from_value(written.max_bad_rows.as_ref())?,
            on_unknown: written.on_unknown,
        })
    }

    /// The name of this firing: the campaign's id, and the scheduled time where there is one.
    ///
    /// A firing that is repeated has the same name, and so the same retry keys. Within a day it
    /// sends nobody anything twice.
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
            unit: self
                .statistics
                .then(|| AggregationUnit::of_run(&self.run())),
            on_unknown: self.on_unknown,
            started_at,
            expires_at: self.expires_at,
        }
    }

    /// Checks that the campaign can be sent, at least in part, when the fan-out begins `now`.
    pub fn check_times(&self, now: Timestamp) -> Result<(), CampaignError> {
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(CampaignError::field(
                "expires_at",
                "is past: nothing could be sent",
            ));
        }
        self.delay_seconds(now).map(|_| ())
    }

    /// How many whole seconds an entry that is published now is hidden, to appear at `deliver_at`.
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
        // Rounded up: a second too late keeps the promise "not before", a second early breaks it.
        let whole = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        #[expect(
            clippy::expect_used,
            reason = "checked above: it is positive and 900 at most"
        )]
        Ok(u16::try_from(whole).expect("a delay of 1 to 900 seconds"))
    }
}

#[cfg(test)]
mod tests;
