//! `SendMessage` and `SendMessageBatch`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::queue_account::{Account, Inside, Queue};
use crate::queue_batch::{self, BatchAnswer};
use crate::queue_clock::Millis;
use crate::queue_message::{self as message, Attributes, Extra, Message};
use crate::queue_refusal::Refusal;

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
    let now = account.clock.now();
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
) -> Result<BatchAnswer<Sent>, Refusal> {
    let queue = account.at(&request.queue_url)?;
    queue_batch::check(
        request.entries.iter().map(|entry| entry.id.as_ref()),
        "SendMessageBatchRequestEntry",
    )?;
    let now = account.clock.now();
    let mut answer = BatchAnswer::new();
    let mut prepared = Vec::with_capacity(request.entries.len());
    let mut total = 0;
    for mut entry in request.entries {
        total += message::size(&entry.message_body, &entry.message_attributes)?;
        let id = std::mem::take(&mut entry.id);
        match prepare(&queue, entry, now) {
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
    let extra = extra(entry)?;
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
fn extra(entry: Entry<'_>) -> Result<Option<Arc<Extra>>, Refusal> {
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
        && entry.message_deduplication_id.is_none();
    Ok((!plain).then(|| {
        Arc::new(Extra {
            attributes: entry.message_attributes,
            trace_header,
            group: entry.message_group_id.map(Arc::from),
            deduplication_id: entry.message_deduplication_id.map(Arc::from),
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
    inside
        .store
        .send(prepared.message, now, now + Millis::from(delay) * 1_000);
    Ok(prepared.sent)
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
