//! The actions on queues themselves: create, find, list, purge, delete.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::sqs::account::{Account, Queue};
use crate::sqs::actions::settings;
use crate::sqs::attributes::QueueAttributes;
use crate::sqs::refusal::Refusal;

/// Only one purge is allowed in this time.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html>
const PURGE_REST: Millis = 60_000;

/// A request of any of these actions: each uses the fields that it has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) queue_name: Cow<'a, str>,
    #[serde(default)]
    pub(crate) queue_name_prefix: String,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) attribute_names: Vec<String>,
    #[serde(default, alias = "tags")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) tag_keys: Vec<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
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

/// `CreateQueue`. Asking again for a queue that is there gives its URL, unless an attribute differs.
pub(crate) fn create(account: &Account, request: &QueueRequest<'_>) -> Result<QueueUrl, Refusal> {
    let name = &request.queue_name;
    let fifo = check_name(name, &request.attributes)?;
    let wanted = settings::attributes(
        QueueAttributes::default(),
        &request.attributes,
        fifo,
        account,
    )?;
    settings::check_tags(&request.tags)?;
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
