//! `DeleteMessage`, `ChangeMessageVisibility` and their batches.

use std::borrow::Cow;

use serde::Deserialize;

use crate::clock::Millis;
use crate::sqs::account::Account;
use crate::sqs::actions::batch::{
    BatchAnswer, BatchRequest, DoneEntry, SingleRequest, check_entry_ids,
};
use crate::sqs::handle::ReceiptHandle;
use crate::sqs::queue::{Queue, QueueState};
use crate::sqs::refusal::Refusal;
use crate::sqs::store::HandleState;

/// A message is hidden for at most twelve hours after its receive, even if that is changed later.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const MAX_VISIBILITY_SECONDS: Millis = 43_200;

/// A message to delete, or to show or hide.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SettleEntry<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    receipt_handle: Cow<'a, str>,
    visibility_timeout: Option<i64>,
}

/// What to do with the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settle {
    Delete,
    ChangeVisibility,
}

/// Settles one message.
pub(crate) fn settle(
    account: &Account,
    request: &SingleRequest<'_, SettleEntry<'_>>,
    how: Settle,
) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    let now = account.clock.millis();
    apply(&queue, &mut queue.lock(), &request.entry, how, now)?;
    queue.arrived.notify_one();
    Ok(())
}

/// Settles up to ten messages. Each can fail without the others.
pub(crate) fn settle_batch(
    account: &Account,
    request: &BatchRequest<'_, SettleEntry<'_>>,
    how: Settle,
) -> Result<BatchAnswer<DoneEntry>, Refusal> {
    let queue = account.at(&request.queue_url)?;
    check_entry_ids(
        request.entries.iter().map(|entry| entry.id.as_ref()),
        match how {
            Settle::Delete => "DeleteMessageBatchRequestEntry",
            Settle::ChangeVisibility => "ChangeMessageVisibilityBatchRequestEntry",
        },
    )?;
    let now = account.clock.millis();
    let mut answer = BatchAnswer::new();
    let mut state = queue.lock();
    for entry in &request.entries {
        let result = apply(&queue, &mut state, entry, how, now);
        let id = entry.id.clone().into_owned();
        answer.add(&entry.id, result.map(|()| DoneEntry { id }));
    }
    drop(state);
    queue.arrived.notify_one();
    Ok(answer)
}

fn apply(
    queue: &Queue,
    state: &mut QueueState,
    entry: &SettleEntry<'_>,
    how: Settle,
    now: Millis,
) -> Result<(), Refusal> {
    if entry.receipt_handle.is_empty() {
        return Err(Refusal::MissingParameter("ReceiptHandle"));
    }
    let handle = ReceiptHandle::decode(&entry.receipt_handle, queue.number)?;
    match how {
        Settle::Delete => delete(queue, state, entry, handle, now),
        Settle::ChangeVisibility => change_visibility(queue, state, entry, handle, now),
    }
}

fn delete(
    queue: &Queue,
    state: &mut QueueState,
    entry: &SettleEntry<'_>,
    handle: ReceiptHandle,
    now: Millis,
) -> Result<(), Refusal> {
    match handle_state(state, handle, now) {
        HandleState::Lapsed | HandleState::Superseded if queue.fifo => {
            return Err(Refusal::value(
                &entry.receipt_handle,
                "ReceiptHandle",
                "The receipt handle has expired.",
            ));
        }
        HandleState::InFlight | HandleState::Lapsed => state.store.delete(handle.key),
        // With an older handle "the request succeeds, but the message will not be deleted".
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
        HandleState::Superseded | HandleState::Gone => {}
    }
    Ok(())
}

fn change_visibility(
    queue: &Queue,
    state: &mut QueueState,
    entry: &SettleEntry<'_>,
    handle: ReceiptHandle,
    now: Millis,
) -> Result<(), Refusal> {
    let seconds = entry
        .visibility_timeout
        .ok_or(Refusal::MissingParameter("VisibilityTimeout"))?;
    let visibility = Millis::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds <= MAX_VISIBILITY_SECONDS)
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
    match handle_state(state, handle, now) {
        HandleState::Gone => return Err(gone()),
        HandleState::Lapsed | HandleState::Superseded if queue.fifo => return Err(gone()),
        // Accepted without an effect: another consumer has the message now.
        HandleState::Superseded => return Ok(()),
        HandleState::InFlight | HandleState::Lapsed => {}
    }
    let received_at = state.store.received_at(handle.key).ok_or_else(gone)?;
    let waited = now.saturating_sub(received_at) / 1_000;
    if visibility + waited > MAX_VISIBILITY_SECONDS {
        return Err(Refusal::value(
            seconds,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        ));
    }
    let until = now + visibility * 1_000;
    state.store.hide(handle.key, now, until);
    Ok(())
}

fn handle_state(state: &mut QueueState, handle: ReceiptHandle, now: Millis) -> HandleState {
    let retention = state.attributes.retention();
    state
        .store
        .handle_state(handle.key, handle.receive, now, retention)
}
