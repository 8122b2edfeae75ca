//! Queue attributes: their names, limits and defaults.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clock::Millis;
use crate::sqs::refusal::Refusal;

/// The settings of a queue.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueAttributes {
    pub(crate) delay_seconds: u32,
    pub(crate) maximum_message_size: u32,
    pub(crate) message_retention_period: u32,
    pub(crate) receive_wait_seconds: u32,
    pub(crate) visibility_timeout: u32,
    pub(crate) redrive: Option<RedrivePolicy>,
    pub(crate) content_based_deduplication: bool,
    /// Whether a deduplication id counts only in its group.
    pub(crate) deduplication_per_group: bool,
    /// Attributes that have no effect here. They are given back as they were set.
    pub(crate) others: BTreeMap<String, String>,
}

/// The queue for messages that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedrivePolicy {
    pub(crate) target_arn: String,
    pub(crate) max_receives: u32,
    /// The JSON as it was set.
    pub(crate) text: String,
}

impl Default for QueueAttributes {
    fn default() -> Self {
        Self {
            delay_seconds: 0,
            maximum_message_size: 1_048_576,
            message_retention_period: 345_600,
            receive_wait_seconds: 0,
            visibility_timeout: 30,
            redrive: None,
            content_based_deduplication: false,
            deduplication_per_group: false,
            others: BTreeMap::from([("SqsManagedSseEnabled".to_owned(), "true".to_owned())]),
        }
    }
}

/// Attributes that a caller can read but not set.
const READ_ONLY: [&str; 7] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
    "All",
];

/// Attributes that only a FIFO queue has.
const FIFO_ONLY: [&str; 4] = [
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

/// Attributes that have no effect here.
const WITHOUT_EFFECT: [&str; 5] = [
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

/// Whether there is an attribute with this name.
pub(crate) fn is_known(name: &str) -> bool {
    READ_ONLY.contains(&name)
        || FIFO_ONLY.contains(&name)
        || WITHOUT_EFFECT.contains(&name)
        || is_setting(name)
}

fn is_setting(name: &str) -> bool {
    matches!(
        name,
        "DelaySeconds"
            | "MaximumMessageSize"
            | "MessageRetentionPeriod"
            | "ReceiveMessageWaitTimeSeconds"
            | "VisibilityTimeout"
            | "RedrivePolicy"
    )
}

impl QueueAttributes {
    /// Sets an attribute.
    pub(crate) fn set(&mut self, name: &str, value: &str, fifo: bool) -> Result<(), Refusal> {
        match name {
            "DelaySeconds" => self.delay_seconds = bounded(name, value, 0, 900)?,
            "MaximumMessageSize" => {
                self.maximum_message_size = bounded(name, value, 1_024, 1_048_576)?;
            }
            "MessageRetentionPeriod" => {
                self.message_retention_period = bounded(name, value, 60, 1_209_600)?;
            }
            "ReceiveMessageWaitTimeSeconds" => {
                self.receive_wait_seconds = bounded(name, value, 0, 20)?;
            }
            "VisibilityTimeout" => self.visibility_timeout = bounded(name, value, 0, 43_200)?,
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(redrive_policy(value)?),
            "DeduplicationScope" | "FifoThroughputLimit" if !fifo => {
                return Err(Refusal::InvalidAttributeName(format!(
                    "You can specify the {name} only when FifoQueue is set to true."
                )));
            }
            "ContentBasedDeduplication" if fifo => {
                self.content_based_deduplication = boolean(name, value)?;
            }
            "DeduplicationScope" => {
                self.deduplication_per_group =
                    one_of(name, value, ["queue", "messageGroup"])? == "messageGroup";
            }
            "FifoThroughputLimit" => {
                one_of(name, value, ["perQueue", "perMessageGroupId"])?;
                self.others.insert(name.to_owned(), value.to_owned());
            }
            name if WITHOUT_EFFECT.contains(&name) => self.set_other(name, value)?,
            _ => {
                return Err(Refusal::InvalidAttributeName(format!(
                    "Unknown Attribute {name}."
                )));
            }
        }
        Ok(())
    }

    /// Sets an attribute that has no effect here.
    fn set_other(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "Policy" | "RedriveAllowPolicy" | "KmsMasterKeyId" if value.is_empty() => {
                self.others.remove(name);
                return Ok(());
            }
            "Policy" | "RedriveAllowPolicy" => {
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value)
                    .map_err(|_| Refusal::InvalidAttributeValue(name.to_owned()))?;
            }
            "KmsDataKeyReusePeriodSeconds" => {
                bounded(name, value, 60, 86_400)?;
            }
            // A queue has one kind of encryption at a time.
            "KmsMasterKeyId" => {
                self.others
                    .insert("SqsManagedSseEnabled".to_owned(), "false".to_owned());
            }
            "SqsManagedSseEnabled" if boolean(name, value)? => {
                self.others.remove("KmsMasterKeyId");
            }
            _ => {}
        }
        self.others.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// All attributes that were set or have a default, as text.
    pub(crate) fn texts(&self, fifo: bool) -> BTreeMap<&str, String> {
        let mut texts: BTreeMap<&str, String> = self
            .others
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        texts.extend([
            ("DelaySeconds", self.delay_seconds.to_string()),
            ("MaximumMessageSize", self.maximum_message_size.to_string()),
            (
                "MessageRetentionPeriod",
                self.message_retention_period.to_string(),
            ),
            (
                "ReceiveMessageWaitTimeSeconds",
                self.receive_wait_seconds.to_string(),
            ),
            ("VisibilityTimeout", self.visibility_timeout.to_string()),
        ]);
        if let Some(redrive) = &self.redrive {
            texts.insert("RedrivePolicy", redrive.text.clone());
        }
        if self.others.contains_key("KmsMasterKeyId") {
            texts
                .entry("KmsDataKeyReusePeriodSeconds")
                .or_insert_with(|| "300".to_owned());
        }
        if fifo {
            let scope = if self.deduplication_per_group {
                "messageGroup"
            } else {
                "queue"
            };
            texts.insert("FifoQueue", "true".to_owned());
            texts.insert(
                "ContentBasedDeduplication",
                self.content_based_deduplication.to_string(),
            );
            texts.insert("DeduplicationScope", scope.to_owned());
            texts
                .entry("FifoThroughputLimit")
                .or_insert_with(|| "perQueue".to_owned());
        }
        texts
    }

    /// The retention period.
    pub(crate) fn retention(&self) -> Millis {
        Millis::from(self.message_retention_period) * 1_000
    }
}

fn bounded(name: &str, value: &str, min: u32, max: u32) -> Result<u32, Refusal> {
    value
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Refusal::InvalidAttributeValue(name.to_owned()))
}

fn boolean(name: &str, value: &str) -> Result<bool, Refusal> {
    value
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| Refusal::InvalidAttributeValue(name.to_owned()))
}

fn one_of<'a>(name: &str, value: &'a str, allowed: [&str; 2]) -> Result<&'a str, Refusal> {
    if allowed.contains(&value) {
        Ok(value)
    } else {
        Err(Refusal::InvalidAttributeValue(name.to_owned()))
    }
}

/// Reads a redrive policy. SQS accepts the count as a number and as text.
fn redrive_policy(text: &str) -> Result<RedrivePolicy, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PolicyJson {
        dead_letter_target_arn: Option<String>,
        max_receive_count: Option<serde_json::Value>,
    }
    let refuse = |reason: &str| Refusal::value(text, "RedrivePolicy", reason);
    let policy: PolicyJson = serde_json::from_str(text)
        .map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
    let target_arn = policy.dead_letter_target_arn.ok_or_else(|| {
        refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
    })?;
    let count = policy.max_receive_count.ok_or_else(|| {
        refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
    })?;
    let max_receives = match &count {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
    }
    .filter(|count| (1..=1_000).contains(count))
    .ok_or_else(|| {
        refuse(&format!(
            "Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both \
             inclusive."
        ))
    })?;
    Ok(RedrivePolicy {
        target_arn,
        max_receives,
        text: text.to_owned(),
    })
}
