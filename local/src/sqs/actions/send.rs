//! `SendMessage` and `SendMessageBatch`.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Millis;
use crate::sqs::account::Account;
use crate::sqs::actions::batch::{BatchAnswer, BatchRequest, SingleRequest, check_entry_ids};
use crate::sqs::faults::{EntryFault, FaultDraws};
use crate::sqs::message::attributes::{
    MessageAttributes, check_attributes, md5_of_attributes, size,
};
use crate::sqs::message::text::{hex, is_allowed, md5};
use crate::sqs::message::{ExtraParts, StoredMessage, sequence_number};
use crate::sqs::queue::{Queue, QueueState};
use crate::sqs::refusal::Refusal;
use crate::sqs::store::deduplication::FirstSend;

/// All entries of a batch together have at most 1 MiB.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const MAX_BATCH_BYTES: usize = 1_048_576;

/// A message is delayed for at most 15 minutes.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
const MAX_DELAY_SECONDS: i64 = 900;

/// A group id or deduplication id has at most 128 characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
const MAX_ID: usize = 128;

/// A message to send.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendEntry<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    message_body: Cow<'a, str>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// The answer to one message.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SentEntry {
    /// Empty for a request with one message.
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

/// A message after all the work that needs no lock on the queue.
struct PreparedMessage {
    message: StoredMessage,
    size: usize,
    /// The message's own delay. `None`: it has that of the queue.
    delay_seconds: Option<u32>,
    sent: SentEntry,
}

/// Adds one message to a queue.
pub(crate) fn send(
    account: &Account,
    request: SingleRequest<'_, SendEntry<'_>>,
) -> Result<SentEntry, Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    check_fifo_ids(&queue, std::slice::from_ref(&request.entry), || {
        Refusal::MissingParameter("MessageGroupId")
    })?;
    let prepared = prepare(&queue, request.entry, now)?;
    let sent = add(&mut queue.lock(), prepared, now, |limit| {
        format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit} \
             bytes."
        )
    })?;
    queue.arrived.notify_one();
    Ok(sent)
}

/// Adds up to ten messages. Each can fail without the others.
pub(crate) fn send_batch(
    account: &Account,
    request: BatchRequest<'_, SendEntry<'_>>,
    draws: &mut FaultDraws<'_>,
) -> Result<BatchAnswer<SentEntry>, Refusal> {
    let queue = account.at(&request.queue_url)?;
    check_entry_ids(
        request.entries.iter().map(|entry| entry.id.as_ref()),
        "SendMessageBatchRequestEntry",
    )?;
    check_fifo_ids(&queue, &request.entries, || {
        let message = Refusal::MissingParameter("MessageGroupId").to_string();
        Refusal::InvalidParameterValue(message)
    })?;
    let now = account.clock.millis();
    let mut answer = BatchAnswer::new();
    let mut prepared = Vec::with_capacity(request.entries.len());
    let mut total = 0;
    for mut entry in request.entries {
        total += size(&entry.message_body, &entry.message_attributes)?;
        let id = std::mem::take(&mut entry.id);
        let result = match draws.entry() {
            Some(EntryFault::Failed) => Err(Refusal::InternalError),
            Some(EntryFault::Refused) => Err(Refusal::InvalidMessageContents),
            None => prepare(&queue, entry, now),
        };
        match result {
            Ok(message) => prepared.push((id, message)),
            Err(refusal) => answer.add(&id, Err(refusal)),
        }
    }
    if total > MAX_BATCH_BYTES {
        return Err(Refusal::BatchRequestTooLong {
            limit: MAX_BATCH_BYTES,
            sent: total,
        });
    }
    let mut state = queue.lock();
    for (id, message) in prepared {
        let sent = add(&mut state, message, now, |limit| {
            format!(
                "One or more parameters cannot be validated. Reason: Message must be shorter than \
                 {limit} bytes."
            )
        });
        let sent = sent.map(|sent| SentEntry {
            id: id.clone().into_owned(),
            ..sent
        });
        answer.add(&id, sent);
    }
    drop(state);
    queue.arrived.notify_one();
    Ok(answer)
}

/// Refuses a whole request to a FIFO queue if an entry has no group or no deduplication id.
fn check_fifo_ids(
    queue: &Queue,
    entries: &[SendEntry<'_>],
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
            "The queue should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly"
                .to_owned(),
        ));
    }
    Ok(())
}

fn prepare(queue: &Queue, entry: SendEntry<'_>, now: Millis) -> Result<PreparedMessage, Refusal> {
    if entry.message_body.is_empty() {
        return Err(Refusal::MissingParameter("MessageBody"));
    }
    if !is_allowed(&entry.message_body) {
        return Err(Refusal::InvalidMessageContents);
    }
    check_attributes(&entry.message_attributes)?;
    check_ids(queue, &entry)?;
    let delay_seconds = delay_seconds(queue, &entry)?;
    let size = size(&entry.message_body, &entry.message_attributes)?;
    let body_md5 = md5(entry.message_body.as_bytes());
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let sent = SentEntry {
        id: String::new(),
        message_id: id,
        md5_of_body: hex(&body_md5),
        md5_of_attributes: md5_of_attributes(entry.message_attributes.iter())?,
        md5_of_system_attributes: md5_of_attributes(entry.message_system_attributes.iter())?,
        sequence_number: None,
    };
    let body = Arc::from(entry.message_body.as_ref());
    let extra = extra_parts(queue, entry)?;
    Ok(PreparedMessage {
        message: StoredMessage {
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

fn check_ids(queue: &Queue, entry: &SendEntry<'_>) -> Result<(), Refusal> {
    for (id, name) in [
        (&entry.message_group_id, "MessageGroupId"),
        (&entry.message_deduplication_id, "MessageDeduplicationId"),
    ] {
        if let Some(id) = id {
            check_id(id, name)?;
        }
    }
    match &entry.message_deduplication_id {
        Some(id) if !queue.fifo => Err(Refusal::value(
            id,
            "MessageDeduplicationId",
            "The request include parameter that is not valid for this queue type.",
        )),
        _ => Ok(()),
    }
}

fn check_id(id: &str, parameter: &str) -> Result<(), Refusal> {
    if (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Refusal::value(id, parameter, &reason))
}

fn delay_seconds(queue: &Queue, entry: &SendEntry<'_>) -> Result<Option<u32>, Refusal> {
    let Some(seconds) = entry.delay_seconds else {
        return Ok(None);
    };
    let refuse = |reason| Refusal::value(seconds, "DelaySeconds", reason);
    if queue.fifo && (1..=MAX_DELAY_SECONDS).contains(&seconds) {
        return Err(refuse(
            "The request include parameter that is not valid for this queue type.",
        ));
    }
    u32::try_from(seconds)
        .ok()
        .filter(|_| seconds <= MAX_DELAY_SECONDS)
        .map(Some)
        .ok_or_else(|| refuse("DelaySeconds must be >= 0 and <= 900."))
}

/// The parts that most messages do not have, if this one has any.
fn extra_parts(queue: &Queue, entry: SendEntry<'_>) -> Result<Option<Arc<ExtraParts>>, Refusal> {
    let mut system = entry.message_system_attributes;
    let trace_header = system
        .remove("AWSTraceHeader")
        .and_then(|attribute| attribute.string_value);
    if let Some((name, _)) = system.pop_first() {
        return Err(Refusal::InvalidParameterValue(format!(
            "Message (system) attribute '{name}' is invalid."
        )));
    }
    let has_none = entry.message_attributes.is_empty()
        && trace_header.is_none()
        && entry.message_group_id.is_none()
        && !queue.fifo;
    if has_none {
        return Ok(None);
    }
    let deduplication_id = entry.message_deduplication_id.or_else(|| {
        let by_content = || {
            let digest = Sha256::digest(entry.message_body.as_bytes());
            format!("{:x}", Bytes::copy_from_slice(&digest))
        };
        queue.fifo.then(by_content)
    });
    Ok(Some(Arc::new(ExtraParts {
        attributes: entry.message_attributes,
        trace_header,
        group: entry.message_group_id.map(Arc::from),
        deduplication_id: deduplication_id.map(Arc::from),
        ..ExtraParts::default()
    })))
}

fn add(
    state: &mut QueueState,
    prepared: PreparedMessage,
    now: Millis,
    too_long: impl Fn(u32) -> String,
) -> Result<SentEntry, Refusal> {
    let limit = state.attributes.maximum_message_size;
    if prepared.size > limit as usize {
        return Err(Refusal::InvalidParameterValue(too_long(limit)));
    }
    let delay = prepared
        .delay_seconds
        .unwrap_or(state.attributes.delay_seconds);
    let visible_at = now + Millis::from(delay) * 1_000;
    let key = prepared.message.extra.as_ref().and_then(|extra| {
        let per_group = state.attributes.deduplication_per_group;
        let group = extra.group.clone().filter(|_| per_group);
        Some((group, extra.deduplication_id.clone()?))
    });
    let Some(key) = key else {
        state.store.send(prepared.message, now, visible_at);
        return Ok(prepared.sent);
    };
    let first = state
        .deduplication
        .first_send(&key, now)
        .unwrap_or_else(|| {
            let message_id = prepared.message.id;
            let sequence = state.store.send(prepared.message, now, visible_at);
            let sent = FirstSend {
                message_id,
                sequence,
            };
            state.deduplication.remember(key, sent, now);
            sent
        });
    Ok(SentEntry {
        message_id: first.message_id,
        sequence_number: sequence_number(first.sequence),
        ..prepared.sent
    })
}
