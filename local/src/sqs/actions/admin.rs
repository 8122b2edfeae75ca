//! The actions on queues themselves: create, find, list, purge, delete.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Millis;
use crate::sqs::account::Account;
use crate::sqs::actions::queue_request::QueueRequest;
use crate::sqs::actions::settings::{changed_attributes, check_tags};
use crate::sqs::queue::attributes::QueueAttributes;
use crate::sqs::queue::is_fifo;
use crate::sqs::refusal::Refusal;

/// A queue is purged at most once a minute.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html>
const MIN_PURGE_INTERVAL: Millis = 60_000;

/// The name of a queue has at most 80 characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
const MAX_NAME: usize = 80;

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

/// Only this list has a name that begins in lower case.
#[derive(Serialize)]
pub(crate) struct SourceUrls {
    #[serde(rename = "queueUrls")]
    urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// `CreateQueue`. For a queue that exists it gives the URL, unless an attribute differs.
pub(crate) fn create(account: &Account, request: &QueueRequest<'_>) -> Result<QueueUrl, Refusal> {
    let name = &request.queue_name;
    check_queue_name(name, &request.attributes)?;
    let fifo = is_fifo(name);
    let defaults = QueueAttributes::default();
    let wanted = changed_attributes(defaults, &request.attributes, fifo, account)?;
    check_tags(&request.tags)?;
    let queue = account.create(name, wanted, request.tags.clone())?;
    let state = queue.lock();
    let texts = state.attributes.texts(fifo);
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
        .filter(|queue| queue.has_dead_letter_target(&target.arn))
        .map(|queue| queue.url.clone())
        .collect();
    let (urls, next_token) = page(sources, request)?;
    Ok(SourceUrls { urls, next_token })
}

/// `PurgeQueue`. Messages in flight and delayed messages are deleted too.
pub(crate) fn purge(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    let mut state = queue.lock();
    if state.purged.is_some_and(|at| at + MIN_PURGE_INTERVAL > now) {
        return Err(Refusal::PurgeQueueInProgress(queue.name.clone()));
    }
    state.purged = Some(now);
    state.store.purge();
    Ok(())
}

/// `DeleteQueue`.
pub(crate) fn delete(account: &Account, request: &QueueRequest<'_>) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    account.delete(&queue);
    Ok(())
}

/// Refuses a name that SQS refuses, or that does not fit the attribute `FifoQueue`.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
fn check_queue_name(name: &str, attributes: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::MissingParameter("QueueName"));
    }
    let bad_name = || {
        Err(Refusal::InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
                .to_owned(),
        ))
    };
    let stem = name.strip_suffix(".fifo");
    let is_valid = stem
        .unwrap_or(name)
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_valid || name.len() > MAX_NAME || stem == Some("") {
        return bad_name();
    }
    match (attributes.get("FifoQueue").map(String::as_str), stem) {
        (Some("true"), Some(_)) | (None, None) => Ok(()),
        (None, Some(_)) => bad_name(),
        (Some("true"), None) => Err(Refusal::InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length."
                .to_owned(),
        )),
        // For a standard queue SQS does not know the attribute, not even with the value `false`.
        (Some(_), None) => {
            let message = "Unknown Attribute FifoQueue.".to_owned();
            Err(Refusal::InvalidAttributeName(message))
        }
        (Some(_), Some(_)) => Err(Refusal::InvalidAttributeValue("FifoQueue".to_owned())),
    }
}

/// One page of URLs, and the token for the next page: the number of URLs up to its end.
fn page(
    mut urls: Vec<String>,
    request: &QueueRequest<'_>,
) -> Result<(Vec<String>, Option<String>), Refusal> {
    let limit = match request.max_results {
        Some(max) if !(1..=1_000).contains(&max) => {
            return Err(Refusal::value(
                max,
                "MaxResults",
                "Must be between 1 and 1000.",
            ));
        }
        max => max.and_then(|max| usize::try_from(max).ok()),
    };
    let skip: usize = match &request.next_token {
        Some(token) => token.parse().map_err(|_| {
            Refusal::InvalidParameterValue("Invalid or expired next token.".to_owned())
        })?,
        None => 0,
    };
    urls.drain(..skip.min(urls.len()));
    // Without `MaxResults` a page has 1,000 URLs and no token.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
    let more = limit.is_some_and(|limit| urls.len() > limit);
    urls.truncate(limit.unwrap_or(1_000));
    let next_token = more.then(|| (skip + urls.len()).to_string());
    Ok((urls, next_token))
}
