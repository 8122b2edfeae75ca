//! The actions on queues themselves: create, find, list, read and set attributes, tag, purge, delete.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::queue_account::{Account, Queue};
use crate::queue_attributes::{self, QueueAttributes};
use crate::queue_refusal::Refusal;

/// Only one purge is allowed in this time.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html>
const PURGE_REST: Millis = 60_000;

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>
const MAX_TAGS: usize = 50;

/// A request of any of these actions: each uses the fields that it has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueRequest<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    queue_name: Cow<'a, str>,
    #[serde(default)]
    queue_name_prefix: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default, alias = "tags")]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueUrl {
    queue_url: String,
}

#[derive(Serialize)]
pub(crate) struct QueueUrls {
    #[serde(rename = "QueueUrls", skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The list of a queue's sources has a name in lower case, alone of all.
#[derive(Serialize)]
pub(crate) struct SourceUrls {
    #[serde(rename = "queueUrls")]
    urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tags {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// `CreateQueue`. Asking again for a queue that is there gives its URL, unless an attribute differs.
pub(crate) fn create(account: &Account, request: &QueueRequest<'_>) -> Result<QueueUrl, Refusal> {
    let name = &request.queue_name;
    let fifo = check_name(name, &request.attributes)?;
    let wanted = attributes(
        QueueAttributes::default(),
        &request.attributes,
        fifo,
        account,
    )?;
    check_tags(&request.tags)?;
    let queue = account.create(name, wanted, request.tags.clone())?;
    let inside = queue.lock();
    let texts = inside.attributes.texts(fifo);
    if let Some((differing, _)) = request
        .attributes
        .iter()
        .find(|(name, value)| texts.get(name.as_str()).is_some_and(|text| text != *value))
    {
        return Err(Refusal::QueueNameExists(differing.clone()));
    }
    Ok(QueueUrl {
        queue_url: queue.url.clone(),
    })
}

/// `GetQueueUrl`.
pub(crate) fn url(account: &Account, request: &QueueRequest<'_>) -> Result<QueueUrl, Refusal> {
    let queue = account.named(&request.queue_name)?;
    Ok(QueueUrl {
        queue_url: queue.url.clone(),
    })
}

/// `ListQueues`.
pub(crate) fn list(account: &Account, request: &QueueRequest<'_>) -> Result<QueueUrls, Refusal> {
    let queues = account
        .all()
        .into_iter()
        .filter(|queue| queue.name.starts_with(&request.queue_name_prefix));
    let (urls, next_token) = page(queues.map(|queue| queue.url.clone()).collect(), request)?;
    Ok(QueueUrls { urls, next_token })
}

/// `ListDeadLetterSourceQueues`: the queues whose redrive policy names this one.
pub(crate) fn list_sources(
    account: &Account,
    request: &QueueRequest<'_>,
) -> Result<SourceUrls, Refusal> {
    let target = account.at(&request.queue_url)?;
    let sources = account
        .all()
        .into_iter()
        .filter(|queue| is_source(queue, &target.arn))
        .map(|queue| queue.url.clone())
        .collect();
    let (urls, next_token) = page(sources, request)?;
    Ok(SourceUrls { urls, next_token })
}

/// Whether `queue` sends its dead letters to the queue with the ARN `target`.
pub(crate) fn is_source(queue: &Queue, target: &str) -> bool {
    queue
        .lock()
        .attributes
        .redrive
        .as_ref()
        .is_some_and(|redrive| redrive.target_arn == target)
}

/// `GetQueueAttributes`.
pub(crate) fn get_attributes(
    account: &Account,
    request: &QueueRequest<'_>,
) -> Result<Attributes, Refusal> {
    let queue = account.at(&request.queue_url)?;
    if let Some(unknown) = request
        .attribute_names
        .iter()
        .find(|name| !queue_attributes::is_known(name))
    {
        return Err(Refusal::InvalidAttributeName(format!(
            "Unknown Attribute {unknown}."
        )));
    }
    let asked = |name: &str| {
        request
            .attribute_names
            .iter()
            .any(|asked| asked == name || asked == "All")
    };
    let mut inside = queue.lock();
    let retention = inside.attributes.retention();
    let counts = inside.store.counts(account.clock.millis(), retention);
    let computed = [
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            counts.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            counts.delayed.to_string(),
        ),
        ("CreatedTimestamp", (queue.created / 1_000).to_string()),
        (
            "LastModifiedTimestamp",
            (inside.modified / 1_000).to_string(),
        ),
        ("QueueArn", queue.arn.to_string()),
    ];
    let attributes = inside
        .attributes
        .texts(queue.fifo)
        .into_iter()
        .chain(computed)
        .filter(|(name, _)| asked(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(Attributes { attributes })
}

/// `SetQueueAttributes`: all of them or none.
pub(crate) fn set_attributes(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    if let Some(value) = request.attributes.get("FifoQueue") {
        return Err(if queue.fifo && value == "true" {
            Refusal::InvalidAttributeName("Unknown Attribute FifoQueue.".to_owned())
        } else {
            Refusal::InvalidAttributeValue(
                "FifoQueue. Reason: Modifying queue type is not supported".to_owned(),
            )
        });
    }
    let before = queue.lock().attributes.clone();
    let after = attributes(before, &request.attributes, queue.fifo, account)?;
    let mut inside = queue.lock();
    inside.attributes = after;
    inside.modified = account.clock.millis();
    Ok(())
}

/// `TagQueue`.
pub(crate) fn tag(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    if request.tags.is_empty() {
        return Err(Refusal::MissingParameter("Tags"));
    }
    let mut inside = queue.lock();
    let mut tags = inside.tags.clone();
    tags.extend(request.tags.clone());
    check_tags(&tags)?;
    inside.tags = tags;
    Ok(())
}

/// `UntagQueue`.
pub(crate) fn untag(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    if request.tag_keys.is_empty() {
        return Err(Refusal::MissingParameter("TagKeys"));
    }
    queue
        .lock()
        .tags
        .retain(|key, _| !request.tag_keys.iter().any(|gone| gone == key));
    Ok(())
}

/// `ListQueueTags`.
pub(crate) fn tags(account: &Account, request: &QueueRequest<'_>) -> Result<Tags, Refusal> {
    let tags = account.at(&request.queue_url)?.lock().tags.clone();
    Ok(Tags { tags })
}

/// `PurgeQueue`: messages in flight and delayed go too.
pub(crate) fn purge(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    let mut inside = queue.lock();
    if inside.purged.is_some_and(|at| at + PURGE_REST > now) {
        return Err(Refusal::PurgeQueueInProgress(queue.name.clone()));
    }
    inside.purged = Some(now);
    inside.store.purge();
    Ok(())
}

/// `DeleteQueue`.
pub(crate) fn delete(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    account.delete(&queue);
    Ok(())
}

/// Whether the name is that of a FIFO queue; an error where it is no name at all.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
fn check_name(name: &str, attributes: &BTreeMap<String, String>) -> Result<bool, Refusal> {
    if name.is_empty() {
        return Err(Refusal::MissingParameter("QueueName"));
    }
    let fifo = attributes.get("FifoQueue").map(String::as_str);
    let stem = name.strip_suffix(".fifo");
    let valid = stem
        .unwrap_or(name)
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    match (fifo, stem) {
        _ if !valid || name.len() > 80 || stem == Some("") => Err(Refusal::InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length".to_owned(),
        )),
        (Some("true"), None) => Err(Refusal::InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
                .to_owned(),
        )),
        // SQS doesn't know the attribute for a standard queue, even to say that it is one.
        (Some(_), None) => Err(Refusal::InvalidAttributeName("Unknown Attribute FifoQueue.".to_owned())),
        (Some("true"), Some(_)) => Ok(true),
        (Some(_), Some(_)) => Err(Refusal::InvalidAttributeValue("FifoQueue".to_owned())),
        (None, Some(_)) => Err(Refusal::InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length".to_owned(),
        )),
        (None, None) => Ok(false),
    }
}

/// `before` with all of `changes`.
fn attributes(
    before: QueueAttributes,
    changes: &BTreeMap<String, String>,
    fifo: bool,
    account: &Account,
) -> Result<QueueAttributes, Refusal> {
    let mut attributes = before;
    for (name, value) in changes {
        if fifo && name == "FifoQueue" {
            continue;
        }
        attributes.set(name, value, fifo)?;
    }
    if changes.contains_key("RedrivePolicy")
        && let Some(redrive) = &attributes.redrive
    {
        let refuse = |reason| Refusal::value(&redrive.text, "RedrivePolicy", reason);
        let target = account
            .with_arn(&redrive.target_arn)
            .ok_or_else(|| refuse("Dead letter target does not exist."))?;
        if target.fifo != fifo {
            return Err(refuse(
                "Dead-letter queue must be same type of queue as the source.",
            ));
        }
    }
    Ok(attributes)
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html>
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MAX_TAGS {
        return Err(Refusal::InvalidParameterValue(format!(
            "Too many tags added for queue. Maximum is {MAX_TAGS}."
        )));
    }
    let fits = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if !tags.iter().all(fits) {
        return Err(Refusal::InvalidParameterValue(
            "Tag keys must be between 1 and 128 characters in length, tag values at most 256."
                .to_owned(),
        ));
    }
    Ok(())
}

/// One page of URLs and the token of the next. A token is the number of URLs on the pages before.
fn page(
    mut urls: Vec<String>,
    request: &QueueRequest<'_>,
) -> Result<(Vec<String>, Option<String>), Refusal> {
    let limit = match request.max_results {
        Some(most) if !(1..=1_000).contains(&most) => {
            return Err(Refusal::value(
                most,
                "MaxResults",
                "Must be between 1 and 1000.",
            ));
        }
        most => most.and_then(|most| usize::try_from(most).ok()),
    };
    let skip: usize = match &request.next_token {
        Some(token) => token.parse().map_err(|_| {
            Refusal::InvalidParameterValue("Invalid or expired next token.".to_owned())
        })?,
        None => 0,
    };
    urls.drain(..skip.min(urls.len()));
    // Without `MaxResults` there are 1,000 and no token.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
    let more = limit.is_some_and(|limit| urls.len() > limit);
    urls.truncate(limit.unwrap_or(1_000));
    let next_token = more.then(|| (skip + urls.len()).to_string());
    Ok((urls, next_token))
}
