//! What the environment says, read once at cold start.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::str::FromStr;

use fanline_core::s3_uri::S3Uri;
use fanline_core::settings::{Reader, SettingsError};
use fanline_core::sqs_limits::is_fifo;
use serde_json::Value;

/// Small enough that its check fits a small function's memory, large enough that ten million rows are six slices.
pub(crate) const SLICE_BYTES: u64 = 64 * 1024 * 1024;
/// At SQS's usual answer times this keeps one function's network busy.
const SENDS_IN_FLIGHT: usize = 32;
/// With the back-off between them, about 15 seconds of a queue that does not answer.
const SEND_ATTEMPTS: u32 = 12;

/// The producer's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `DELIVERY_QUEUE_URL`: where deliveries go.
    pub delivery_queue_url: String,
    /// `SLICE_QUEUE_URL`: where slices go; without it every slice is worked on by the invocation that found it.
    pub slice_queue_url: Option<String>,
    /// `SLICE_BYTES`: the most bytes of the list in a slice.
    pub slice_bytes: u64,
    /// `SENDS_IN_FLIGHT`: the most requests to the queue at one time.
    pub sends_in_flight: usize,
    /// `SEND_ATTEMPTS`: how often an entry is offered to the queue before the slice fails.
    pub send_attempts: u32,
    /// `REJECTS_PREFIX`: where rejected rows are written, in place of beside the list.
    pub rejects_prefix: Option<S3Uri>,
    /// `CAMPAIGN`: what a scheduled event without a campaign of its own sends.
    pub campaign: Option<CampaignAt>,
    /// `DELIVERY_QUEUE_GROUPS`: what is said to the queue about a delivery's group.
    pub queue_groups: QueueGroups,
}

impl Settings {
    /// Reads the settings through `lookup` and names everything that is wrong with them together.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let delivery_queue_url: Option<String> = reader.required("DELIVERY_QUEUE_URL");
        let groups = reader.optional("DELIVERY_QUEUE_GROUPS");
        let is_fifo = delivery_queue_url
            .as_ref()
            .is_some_and(|url| QueueGroups::of(url) == QueueGroups::Fifo);
        match groups {
            Some(QueueGroups::None | QueueGroups::Fair) if is_fifo => reader.problem(
                "`DELIVERY_QUEUE_GROUPS` is not `fifo`, but `DELIVERY_QUEUE_URL` names a FIFO queue".into(),
            ),
            _ => {}
        }
        let slice_queue_url: Option<String> = reader.optional("SLICE_QUEUE_URL");
        if slice_queue_url.as_deref().map(QueueGroups::of) == Some(QueueGroups::Fifo) {
            reader.problem("`SLICE_QUEUE_URL` names a FIFO queue: slices are worked on in any order, by a standard one".into());
        }
        let slice_bytes = reader
            .optional("SLICE_BYTES")
            .map_or(SLICE_BYTES, NonZeroU64::get);
        let sends_in_flight = reader
            .optional("SENDS_IN_FLIGHT")
            .map_or(SENDS_IN_FLIGHT, NonZeroUsize::get);
        let send_attempts = reader
            .optional("SEND_ATTEMPTS")
            .map_or(SEND_ATTEMPTS, NonZeroU32::get);
        let rejects_prefix = reader.optional("REJECTS_PREFIX");
        let campaign = reader.optional("CAMPAIGN");
        let settings = delivery_queue_url.map(|delivery_queue_url| Self {
            queue_groups: groups.unwrap_or_else(|| QueueGroups::of(&delivery_queue_url)),
            delivery_queue_url,
            slice_queue_url,
            slice_bytes,
            sends_in_flight,
            send_attempts,
            rejects_prefix,
            campaign,
        });
        reader.finish(settings)
    }
}

/// Where a bare scheduled event finds its campaign.
#[derive(Debug, Clone, PartialEq)]
pub enum CampaignAt {
    /// An object that holds the campaign's JSON, read at every firing.
    S3(S3Uri),
    /// The campaign itself.
    Json(Value),
}

impl FromStr for CampaignAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if S3Uri::is_meant(text) {
            return S3Uri::object(text)
                .map(Self::S3)
                .map_err(|error| error.to_string());
        }
        serde_json::from_str(text)
            .map(Self::Json)
            .map_err(|error| format!("neither an `s3://` URI nor JSON: {error}"))
    }
}

/// What the delivery queue is told about a delivery's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueGroups {
    /// Nothing: a standard queue.
    None,
    /// Group = campaign, on a standard queue: a large campaign does not hold up a small one.
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>
    Fair,
    /// Group = campaign and deduplication id = retry key, on a FIFO queue.
    Fifo,
}

impl QueueGroups {
    /// A FIFO queue's name ends in `.fifo`. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
    fn of(queue_url: &str) -> Self {
        if is_fifo(queue_url) {
            Self::Fifo
        } else {
            Self::None
        }
    }
}

impl FromStr for QueueGroups {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "fair" => Ok(Self::Fair),
            "fifo" => Ok(Self::Fifo),
            _ => Err("it is none of `none`, `fair` and `fifo`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_queue_is_all_that_has_to_be_named() {
        let settings = settings(&[("DELIVERY_QUEUE_URL", "http://q/deliveries")]).unwrap();
        assert_eq!(settings.slice_bytes, 64 * 1024 * 1024);
        assert_eq!(settings.sends_in_flight, 32);
        assert_eq!(settings.queue_groups, QueueGroups::None);
        assert_eq!(settings.slice_queue_url, None);
    }

    #[test]
    fn a_fifo_queue_is_known_by_its_name() {
        let fifo = settings(&[("DELIVERY_QUEUE_URL", "http://q/deliveries.fifo")]).unwrap();
        assert_eq!(fifo.queue_groups, QueueGroups::Fifo);
        let fair = [
            ("DELIVERY_QUEUE_URL", "http://q/d"),
            ("DELIVERY_QUEUE_GROUPS", "fair"),
        ];
        assert_eq!(settings(&fair).unwrap().queue_groups, QueueGroups::Fair);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let error = settings(&[
            ("SLICE_BYTES", "0"),
            ("SENDS_IN_FLIGHT", "many"),
            ("REJECTS_PREFIX", "rejects/"),
            ("CAMPAIGN", "{"),
            ("DELIVERY_QUEUE_GROUPS", "unfair"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "DELIVERY_QUEUE_URL",
            "SLICE_BYTES",
            "SENDS_IN_FLIGHT",
            "REJECTS_PREFIX",
            "CAMPAIGN",
            "DELIVERY_QUEUE_GROUPS",
        ] {
            assert!(error.contains(&format!("`{name}`")), "{name}: {error}");
        }
        let error = settings(&[
            ("DELIVERY_QUEUE_URL", "http://q/d.fifo"),
            ("DELIVERY_QUEUE_GROUPS", "fair"),
        ]);
        assert!(error.is_err());
    }

    #[test]
    fn a_campaign_is_json_or_an_object_in_s3() {
        assert_eq!("{}".parse(), Ok(CampaignAt::Json(serde_json::json!({}))));
        let uri = S3Uri {
            bucket: "b".into(),
            key: "c/x.json".into(),
        };
        assert_eq!("s3://b/c/x.json".parse(), Ok(CampaignAt::S3(uri)));
        assert!("s3://b".parse::<CampaignAt>().is_err());
    }
}
