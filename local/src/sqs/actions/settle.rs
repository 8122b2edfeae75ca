//! `DeleteMessage`, `ChangeMessageVisibility` and their batches: what a consumer does with a message in hand.

use std::borrow::Cow;

use serde::Deserialize;

use crate::clock::Millis;
use crate::sqs::account::{Account, Inside, Queue};
use crate::sqs::actions::batch::{self, BatchAnswer, Done};
use crate::sqs::handle::Handle;
use crate::sqs::refusal::Refusal;
use crate::sqs::store::{Held, Place};

/// A message is invisible for twelve hours at most, from its receive on, however often that is changed.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const MAX_VISIBILITY_SECONDS: Millis = 43_200;

/// One message, by itself: `DeleteMessage` and `ChangeMessageVisibility`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Single<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, flatten)]
    entry: Entry<'a>,
}

/// Up to ten messages.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Batch<'a> {
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
    receipt_handle: Cow<'a, str>,
    visibility_timeout: Option<i64>,
}

/// What is to be done with the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settle {
    Delete,
    ChangeVisibility,
}

/// Does it to one message.
pub(crate) fn settle(account: &Account, request: &Single<'_>, how: Settle) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    apply(&queue, &mut queue.lock(), &request.entry, how, now)?;
    queue.arrived.notify_one();
    Ok(())
}

/// Does it to up to ten messages, each by itself.
pub(crate) fn settle_batch(
    account: &Account,
    request: &Batch<'_>,
    how: Settle,
) -> Result<BatchAnswer<Done>, Refusal> {
    let queue = account.at(&request.queue_url)?;
    batch::check(
        request.entries.iter().map(|entry| entry.id.as_ref()),
        match how {
            Settle::Delete => "DeleteMessageBatchRequestEntry",
            Settle::ChangeVisibility => "ChangeMessageVisibilityBatchRequestEntry",
        },
    )?;
    let now = account.clock.millis();
    let mut answer = BatchAnswer::new();
    let mut inside = queue.lock();
    for entry in &request.entries {
        let result = apply(&queue, &mut inside, entry, how, now);
        let id = entry.id.clone().into_owned();
        answer.add(&entry.id, result.map(|()| Done { id }));
    }
    drop(inside);
    queue.arrived.notify_one();
    Ok(answer)
}

fn apply(
    queue: &Queue,
    inside: &mut Inside,
    entry: &Entry<'_>,
    how: Settle,
    now: Millis,
) -> Result<(), Refusal> {
    if entry.receipt_handle.is_empty() {
        return Err(Refusal::MissingParameter("ReceiptHandle"));
    }
    let handle = Handle::decode(&entry.receipt_handle, queue.number)?;
    let place = Place {
        slot: handle.slot,
        generation: handle.generation,
    };
    let retention = inside.attributes.retention();
    let held = inside.store.held(place, handle.receive, now, retention);
    match how {
        Settle::Delete => delete(queue, inside, entry, place, held),
        Settle::ChangeVisibility => change_visibility(queue, inside, entry, place, held, now),
    }
}

fn delete(
    queue: &Queue,
    inside: &mut Inside,
    entry: &Entry<'_>,
    place: Place,
    held: Held,
) -> Result<(), Refusal> {
    match held {
        Held::Lapsed | Held::Superseded if queue.fifo => {
            return Err(Refusal::value(
                &entry.receipt_handle,
                "ReceiptHandle",
                "The receipt handle has expired.",
            ));
        }
        Held::InFlight | Held::Lapsed => inside.store.delete(place),
        // With an older handle "the request succeeds, but the message will not be deleted".
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
        Held::Superseded | Held::Gone => {}
    }
    Ok(())
}

fn change_visibility(
    queue: &Queue,
    inside: &mut Inside,
    entry: &Entry<'_>,
    place: Place,
    held: Held,
    now: Millis,
) -> Result<(), Refusal> {
    let seconds = entry
        .visibility_timeout
        .ok_or(Refusal::MissingParameter("VisibilityTimeout"))?;
    let visibility = u32::try_from(seconds)
        .ok()
        .filter(|seconds| Millis::from(*seconds) <= MAX_VISIBILITY_SECONDS)
        .ok_or_else(|| {
            Refusal::value(
                seconds,
                "VisibilityTimeout",
                "VisibilityTimeout must be an integer between 0 and 43200.",
            )
        })?;
    let gone = || {
        Refusal::value(
            &entry.receipt_handle,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        )
    };
    match held {
        Held::Gone => return Err(gone()),
        Held::Lapsed | Held::Superseded if queue.fifo => return Err(gone()),
        // Accepted, though another consumer has the message by now: it is that one's to keep.
        Held::Superseded => return Ok(()),
        Held::InFlight | Held::Lapsed => {}
    }
    let waited = now.saturating_sub(inside.store.received_at(place)) / 1_000;
    if Millis::from(visibility) + waited > MAX_VISIBILITY_SECONDS {
        return Err(Refusal::value(
            seconds,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        ));
    }
    inside
        .store
        .hide(place, now, now + Millis::from(visibility) * 1_000);
    Ok(())
}
