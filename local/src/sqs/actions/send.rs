//! `SendMessage` and `SendMessageBatch`.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Millis;
use crate::sqs::account::{Account, Inside, Queue};
use crate::sqs::actions::batch::{self, BatchAnswer};
use crate::sqs::faults::{Draws, EntryFault};
use crate::sqs::message::{self, Attributes, Extra, Message};
use crate::sqs::refusal::Refusal;
use crate::sqs::store::deduplication;

/// The entries of a batch may have so many bytes together.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const MAX_BATCH_BYTES: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendMessage<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, flatten)]
    entry: Entry<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendMessageBatch<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow, default)]
    message_body: Cow<'a, str>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Attributes,
    #[serde(default)]
    message_system_attributes: Attributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Sent {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    message_id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_body: String,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<String>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_system_attributes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

/// An entry with all done that needs no look at the queue.
struct Prepared {
    message: Message,
    size: usize,
    /// The entry's own delay; `None` is the queue's.
    delay_seconds: Option<u32>,
    sent: Sent,
}

/// Adds one message to a queue.
pub(crate) fn send(account: &Account, request: SendMessage<'_>) -> Result<Sent, Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    check_fifo(&queue, std::slice::from_ref(&request.entry), || {
        Refusal::MissingParameter("MessageGroupId")
    })?;
    let prepared = prepare(&queue, request.entry, now)?;
    let sent = add(&mut queue.lock(), prepared, now, |limit| {
        format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        )
    })?;
    queue.arrived.notify_one();
    Ok(sent)
}

/// Adds up to ten messages, each by itself.
pub(crate) fn send_batch(
    account: &Account,
    request: SendMessageBatch<'_>,
    draws: &mut Draws<'_>,
) -> Result<BatchAnswer<Sent>, Refusal> {
    let queue = account.at(&request.queue_url)?;
    batch::check(
        request.entries.iter().map(|entry| entry.id.as_ref()),
        "SendMessageBatchRequestEntry",
    )?;
    check_fifo(&queue, &request.entries, || {
        let message = Refusal::MissingParameter("MessageGroupId").to_string();
        Refusal::InvalidParameterValue(message)
    })?;
    let now = account.clock.millis();
    let mut answer = BatchAnswer::new();
    let mut prepared = Vec::with_capacity(request.entries.len());
    let mut total = 0;
    for mut entry in request.entries {
        total += message::size(&entry.message_body, &entry.message_attributes)?;
        let id = std::mem::take(&mut entry.id);
        let prepare = match draws.entry() {
            Some(EntryFault::Failed) => Err(Refusal::InternalError),
            Some(EntryFault::Refused) => Err(Refusal::InvalidMessageContents),
            None => prepare(&queue, entry, now),
        };
        match prepare {
            Ok(ready) => prepared.push((id, ready)),
            Err(refusal) => answer.add(&id, Err(refusal)),
        }
    }
    if total > MAX_BATCH_BYTES {
        return Err(Refusal::BatchRequestTooLong {
            limit: MAX_BATCH_BYTES,
            sent: total,
        });
    }
    let mut inside = queue.lock();
    for (id, ready) in prepared {
        let sent = add(&mut inside, ready, now, |limit| {
            format!(
                "One or more parameters cannot be validated. Reason: Message must be shorter than {limit} bytes."
            )
        });
        answer.add(
            &id,
            sent.map(|sent| Sent {
                id: id.clone().into_owned(),
                ..sent
            }),
        );
    }
    drop(inside);
    queue.arrived.notify_one();
    Ok(answer)
}

/// Refuses a whole request to a FIFO queue where an entry lacks its group or a deduplication id.
fn check_fifo(
    queue: &Queue,
    entries: &[Entry<'_>],
    no_group: impl Fn() -> Refusal,
) -> Result<(), Refusal> {
    if !queue.fifo {
        return Ok(());
    }
    if entries.iter().any(|entry| entry.message_group_id.is_none()) {
        return Err(no_group());
    }
    let by_content = queue.lock().attributes.content_based_deduplication;
    if !by_content
        && entries
            .iter()
            .any(|entry| entry.message_deduplication_id.is_none())
    {
        return Err(Refusal::InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
                .to_owned(),
        ));
    }
    Ok(())
}

fn prepare(queue: &Queue, entry: Entry<'_>, now: Millis) -> Result<Prepared, Refusal> {
    if entry.message_body.is_empty() {
        return Err(Refusal::MissingParameter("MessageBody"));
    }
    if !message::is_allowed(&entry.message_body) {
        return Err(Refusal::InvalidMessageContents);
    }
    message::check_attributes(&entry.message_attributes)?;
    for (id, name) in [
        (&entry.message_group_id, "MessageGroupId"),
        (&entry.message_deduplication_id, "MessageDeduplicationId"),
    ] {
        if let Some(id) = id {
            check_id(id, name)?;
        }
    }
    if let Some(id) = &entry.message_deduplication_id
        && !queue.fifo
    {
        return Err(Refusal::value(
            id,
            "MessageDeduplicationId",
            "The request include parameter that is not valid for this queue type.",
        ));
    }
    let delay_seconds = match entry.delay_seconds {
        Some(seconds) if !(0..=900).contains(&seconds) => {
            return Err(Refusal::value(
                seconds,
                "DelaySeconds",
                "DelaySeconds must be >= 0 and <= 900.",
            ));
        }
        Some(seconds) if queue.fifo && seconds > 0 => {
            return Err(Refusal::value(
                seconds,
                "DelaySeconds",
                "The request include parameter that is not valid for this queue type.",
            ));
        }
        seconds => seconds.and_then(|seconds| u32::try_from(seconds).ok()),
    };
    let size = message::size(&entry.message_body, &entry.message_attributes)?;
    let body_md5 = message::md5(entry.message_body.as_bytes());
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let sent = Sent {
        id: String::new(),
        message_id: id,
        md5_of_body: message::hex(&body_md5),
        md5_of_attributes: message::md5_of_attributes(entry.message_attributes.iter())?,
        md5_of_system_attributes: message::md5_of_attributes(
            entry.message_system_attributes.iter(),
        )?,
        sequence_number: None,
    };
    let body = Arc::from(entry.message_body.as_ref());
    let extra = extra(queue, entry)?;
    Ok(Prepared {
        message: Message {
            id,
            body,
            body_md5,
            extra,
            sent_at: now,
            first_received_at: 0,
            receives: 0,
        },
        size,
        delay_seconds,
        sent,
    })
}

/// The rarer parts of the entry's message, if it has any.
fn extra(queue: &Queue, entry: Entry<'_>) -> Result<Option<Arc<Extra>>, Refusal> {
    let mut system = entry.message_system_attributes;
    let trace_header = system
        .remove("AWSTraceHeader")
        .and_then(|attribute| attribute.string_value);
    if let Some((name, _)) = system.pop_first() {
        return Err(Refusal::InvalidParameterValue(format!(
            "Message (system) attribute '{name}' is invalid."
        )));
    }
    let plain = entry.message_attributes.is_empty()
        && trace_header.is_none()
        && entry.message_group_id.is_none()
        && !queue.fifo;
    let deduplication_id = entry.message_deduplication_id.or_else(|| {
        let by_content = || {
            format!(
                "{:x}",
                Bytes::copy_from_slice(&Sha256::digest(entry.message_body.as_bytes()))
            )
        };
        queue.fifo.then(by_content)
    });
    Ok((!plain).then(|| {
        Arc::new(Extra {
            attributes: entry.message_attributes,
            trace_header,
            group: entry.message_group_id.map(Arc::from),
            deduplication_id: deduplication_id.map(Arc::from),
            ..Extra::default()
        })
    }))
}

fn add(
    inside: &mut Inside,
    prepared: Prepared,
    now: Millis,
    too_long: impl Fn(u32) -> String,
) -> Result<Sent, Refusal> {
    let limit = inside.attributes.maximum_message_size;
    if prepared.size > limit as usize {
        return Err(Refusal::InvalidParameterValue(too_long(limit)));
    }
    let delay = prepared
        .delay_seconds
        .unwrap_or(inside.attributes.delay_seconds);
    let visible_at = now + Millis::from(delay) * 1_000;
    let key = prepared.message.extra.as_ref().and_then(|extra| {
        let per_group = inside.attributes.deduplication_per_group;
        let group = extra.group.clone().filter(|_| per_group);
        Some((group, extra.deduplication_id.clone()?))
    });
    let Some(key) = key else {
        inside.store.send(prepared.message, now, visible_at);
        return Ok(prepared.sent);
    };
    let first = inside.deduplication.seen(&key, now).unwrap_or_else(|| {
        let message_id = prepared.message.id;
        let sequence = inside.store.send(prepared.message, now, visible_at);
        let sent = deduplication::Sent {
            message_id,
            sequence,
        };
        inside.deduplication.remember(key, sent, now);
        sent
    });
    Ok(Sent {
        message_id: first.message_id,
        sequence_number: message::sequence_number(first.sequence),
        ..prepared.sent
    })
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn check_id(id: &str, parameter: &str) -> Result<(), Refusal> {
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Refusal::value(id, parameter, &reason))
}
