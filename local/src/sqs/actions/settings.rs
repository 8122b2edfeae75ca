//! The actions on the attributes and tags of a queue.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sqs::account::Account;
use crate::sqs::actions::queue_request::QueueRequest;
use crate::sqs::queue::attributes::{QueueAttributes, is_known};
use crate::sqs::refusal::Refusal;

/// A queue has at most 50 tags. A key has at most 128 characters, a value at most 256.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html>
const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributesAnswer {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsAnswer {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// `GetQueueAttributes`.
pub(crate) fn get_attributes(
    account: &Account,
    request: &QueueRequest<'_>,
) -> Result<AttributesAnswer, Refusal> {
    let queue = account.at(&request.queue_url)?;
    if let Some(unknown) = request.attribute_names.iter().find(|name| !is_known(name)) {
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
    let mut state = queue.lock();
    let retention = state.attributes.retention();
    let counts = state.store.counts(account.clock.millis(), retention);
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
            (state.modified / 1_000).to_string(),
        ),
        ("QueueArn", queue.arn.to_string()),
    ];
    let attributes = state
        .attributes
        .texts(queue.fifo)
        .into_iter()
        .chain(computed)
        .filter(|(name, _)| asked(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(AttributesAnswer { attributes })
}

/// `SetQueueAttributes`. If one attribute is not valid, none is set.
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
    let after = changed_attributes(before, &request.attributes, queue.fifo, account)?;
    let mut state = queue.lock();
    state.attributes = after;
    state.modified = account.clock.millis();
    Ok(())
}

/// `TagQueue`.
pub(crate) fn tag(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    if request.tags.is_empty() {
        return Err(Refusal::MissingParameter("Tags"));
    }
    let mut state = queue.lock();
    let mut tags = state.tags.clone();
    tags.extend(request.tags.clone());
    check_tags(&tags)?;
    state.tags = tags;
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
        .retain(|key, _| !request.tag_keys.contains(key));
    Ok(())
}

/// `ListQueueTags`.
pub(crate) fn tags(account: &Account, request: &QueueRequest<'_>) -> Result<TagsAnswer, Refusal> {
    let tags = account.at(&request.queue_url)?.lock().tags.clone();
    Ok(TagsAnswer { tags })
}

/// `before` with all of `changes`, if they are valid.
pub(crate) fn changed_attributes(
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

/// Refuses tags that SQS refuses.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MAX_TAGS {
        return Err(Refusal::InvalidParameterValue(format!(
            "Too many tags added for queue. Maximum is {MAX_TAGS}."
        )));
    }
    let fits = |(key, value): (&String, &String)| {
        (1..=MAX_TAG_KEY).contains(&key.chars().count()) && value.chars().count() <= MAX_TAG_VALUE
    };
    if !tags.iter().all(fits) {
        return Err(Refusal::InvalidParameterValue(
            "Tag keys must be between 1 and 128 characters in length, tag values at most 256."
                .to_owned(),
        ));
    }
    Ok(())
}
