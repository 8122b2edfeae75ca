//! The settings, read from the environment once, at the cold start.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::str::FromStr;

use fanline_core::limits::sqs::is_fifo;
use fanline_core::s3_uri::S3Uri;
use fanline_core::settings::{Reader, SettingsError};
use fanline_seal::KeyArn;
use fanline_telemetry::fingerprint::Fingerprinter;
use serde_json::Value;

/// The check of so many bytes fits the memory of a small function. Ten million rows are six slices.
pub(crate) const DEFAULT_SLICE_BYTES: u64 = 64 * 1024 * 1024;
/// So many requests keep the network of one function busy, where SQS answers as fast as usual.
const DEFAULT_SENDS_IN_FLIGHT: usize = 32;
/// With the waits between them, about 15 seconds of a queue that does not answer.
const DEFAULT_SEND_ATTEMPTS: u32 = 12;

/// One setting says what both queues are told about groups.
const ONE_KIND: &str = "of `DELIVERY_QUEUE_URL` and `URGENT_QUEUE_URL`, one names a FIFO queue and \
     the other a standard queue: both have to be of one kind";

/// The settings of a producer.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `DELIVERY_QUEUE_URL`: where deliveries go.
    pub(crate) delivery_queue_url: String,
    /// `URGENT_QUEUE_URL`: where deliveries of urgent campaigns go. Without it such a campaign is
    /// refused.
    pub(crate) urgent_queue_url: Option<String>,
    /// `SLICE_QUEUE_URL`: where slices go. Without it every list is one slice.
    pub(crate) slice_queue_url: Option<String>,
    /// `SLICE_BYTES`: how many bytes of the list a slice has at most.
    pub(crate) slice_bytes: u64,
    /// `SENDS_IN_FLIGHT`: how many requests to the queue are made at the same time, at most.
    pub(crate) sends_in_flight: usize,
    /// `SEND_ATTEMPTS`: how often an entry is sent before the slice fails.
    pub(crate) send_attempts: u32,
    /// `REJECTS_PREFIX`: where rejected rows are written. Without it, beside the list.
    pub(crate) rejects_prefix: Option<S3Uri>,
    /// `LEDGER_URI`: where the records of runs are kept. Without it, a repeated firing is not
    /// noticed.
    pub(crate) ledger: Option<S3Uri>,
    /// `CONTROL_URI`: where it is set, as for the consumer, runs are entered into the control
    /// object, which lies beside the ledger. Only a bookkeeper takes them out again.
    pub(crate) is_controlled: bool,
    /// `LOG_HASH_KEY`: the key of the hashes that stand for recipients in the ledger and in the
    /// log. Without it, the name of the run is the key.
    pub(crate) fingerprinter: Option<Fingerprinter>,
    /// `OUTBOX_URI`: the folder whose files start runs. Without it, an event of S3 starts none.
    pub(crate) outbox: Option<S3Uri>,
    /// `CAMPAIGN`: what a rule's event without a campaign sends.
    pub(crate) campaign: Option<CampaignSetting>,
    /// `DELIVERY_QUEUE_GROUPS`: what the queue is told about the group of a delivery.
    pub(crate) queue_groups: QueueGroups,
    /// `SEAL_KEY_ARN`: the KMS key that deliveries are sealed with. Without it they are in plain
    /// text.
    pub(crate) seal_key: Option<KeyArn>,
}

impl Settings {
    /// Reads the settings through `lookup`. An error names everything that is wrong with them.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let delivery_queue = read_delivery_queue(&mut reader);
        let urgent_queue_url: Option<String> = reader.optional("URGENT_QUEUE_URL");
        if let (Some(urgent), Some((deliveries, _))) = (&urgent_queue_url, &delivery_queue)
            && is_fifo(urgent) != is_fifo(deliveries)
        {
            reader.problem(ONE_KIND.into());
        }
        let slice_queue_url = read_slice_queue(&mut reader);
        let slice_bytes = reader
            .optional("SLICE_BYTES")
            .map_or(DEFAULT_SLICE_BYTES, NonZeroU64::get);
        let sends_in_flight = reader
            .optional("SENDS_IN_FLIGHT")
            .map_or(DEFAULT_SENDS_IN_FLIGHT, NonZeroUsize::get);
        let send_attempts = reader
            .optional("SEND_ATTEMPTS")
            .map_or(DEFAULT_SEND_ATTEMPTS, NonZeroU32::get);
        let rejects_prefix = reader.optional("REJECTS_PREFIX");
        let ledger = reader.optional("LEDGER_URI");
        let control: Option<String> = reader.optional("CONTROL_URI");
        let outbox = read_outbox(&mut reader, ledger.is_some());
        let hash_key: Option<String> = reader.optional("LOG_HASH_KEY");
        let campaign = reader.optional("CAMPAIGN");
        let seal_key = reader.optional("SEAL_KEY_ARN");
        let settings = delivery_queue.map(|(delivery_queue_url, queue_groups)| Self {
            delivery_queue_url,
            urgent_queue_url,
            slice_queue_url,
            slice_bytes,
            sends_in_flight,
            send_attempts,
            rejects_prefix,
            ledger,
            is_controlled: control.is_some(),
            fingerprinter: hash_key.as_deref().map(Fingerprinter::new),
            outbox,
            campaign,
            queue_groups,
            seal_key,
        });
        reader.finish(settings)
    }
}

fn read_delivery_queue<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
) -> Option<(String, QueueGroups)> {
    let url: Option<String> = reader.required("DELIVERY_QUEUE_URL");
    let groups = reader.optional("DELIVERY_QUEUE_GROUPS");
    let url = url?;
    if is_fifo(&url) && matches!(groups, Some(QueueGroups::None | QueueGroups::Fair)) {
        reader.problem(
            "`DELIVERY_QUEUE_GROUPS` is not `fifo`, but `DELIVERY_QUEUE_URL` names a FIFO queue"
                .into(),
        );
    }
    let groups = groups.unwrap_or_else(|| QueueGroups::of_queue(&url));
    Some((url, groups))
}

/// The outbox, with a slash at the end of its key.
fn read_outbox<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    has_ledger: bool,
) -> Option<S3Uri> {
    let mut outbox: S3Uri = reader.optional("OUTBOX_URI")?;
    if outbox.key.trim_matches('/').is_empty() {
        let problem = "`OUTBOX_URI` is not `s3://BUCKET/FOLDER/`: it names no folder";
        reader.problem(problem.into());
    } else if !outbox.key.ends_with('/') {
        outbox.key.push('/');
    }
    if !has_ledger {
        let problem = "`OUTBOX_URI` needs `LEDGER_URI`: S3 may tell of a file twice, and only the \
                       record of a run tells that it is the same";
        reader.problem(problem.into());
    }
    Some(outbox)
}

fn read_slice_queue<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<String> {
    let url: Option<String> = reader.optional("SLICE_QUEUE_URL");
    if url.as_deref().is_some_and(is_fifo) {
        reader.problem(
            "`SLICE_QUEUE_URL` names a FIFO queue, but slices need a standard queue: \
             they are worked on in any order"
                .into(),
        );
    }
    url
}

/// Where the campaign is that a rule's event without a campaign sends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CampaignSetting {
    /// In an object, as JSON. It is read at each firing.
    S3(S3Uri),
    /// In the setting itself.
    Json(Value),
}

impl FromStr for CampaignSetting {
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

/// What the delivery queue is told about the group of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueGroups {
    /// Nothing: a standard queue.
    None,
    /// The campaign is the group, on a standard queue. So a large campaign does not hold up a small
    /// one.
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>
    Fair,
    /// The campaign is the group, and the retry key the deduplication ID, on a FIFO queue.
    Fifo,
}

impl QueueGroups {
    /// What a queue with this URL is told where no setting says so.
    fn of_queue(url: &str) -> Self {
        if is_fifo(url) { Self::Fifo } else { Self::None }
    }
}

impl FromStr for QueueGroups {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "fair" => Ok(Self::Fair),
            "fifo" => Ok(Self::Fifo),
            _ => Err("it is not `none`, `fair` or `fifo`"),
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
    fn only_the_delivery_queue_has_to_be_named() {
        let settings = settings(&[("DELIVERY_QUEUE_URL", "http://q/deliveries")]).unwrap();
        assert_eq!(settings.slice_bytes, 64 * 1024 * 1024);
        assert_eq!(settings.sends_in_flight, 32);
        assert_eq!(settings.queue_groups, QueueGroups::None);
        assert_eq!(settings.slice_queue_url, None);
    }

    #[test]
    fn a_fifo_queue_is_recognised_by_its_name() {
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
            ("LEDGER_URI", "ledger/"),
            ("OUTBOX_URI", "s3://bucket"),
            ("CAMPAIGN", "{"),
            ("SEAL_KEY_ARN", "alias/mine"),
            ("DELIVERY_QUEUE_GROUPS", "unfair"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "DELIVERY_QUEUE_URL",
            "SLICE_BYTES",
            "SENDS_IN_FLIGHT",
            "REJECTS_PREFIX",
            "LEDGER_URI",
            "OUTBOX_URI",
            "CAMPAIGN",
            "SEAL_KEY_ARN",
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
        assert_eq!(
            "{}".parse(),
            Ok(CampaignSetting::Json(serde_json::json!({})))
        );
        let uri = S3Uri {
            bucket: "b".into(),
            key: "c/x.json".into(),
        };
        assert_eq!("s3://b/c/x.json".parse(), Ok(CampaignSetting::S3(uri)));
        assert!("s3://b".parse::<CampaignSetting>().is_err());
    }
}
