//! From an action's name and its JSON request to its JSON answer, with the faults between them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sqs::account::Account;
use crate::sqs::actions::settle::Settle;
use crate::sqs::actions::{admin, move_task, permission, receive, send, settings, settle};
use crate::sqs::faults::FaultDraws;
use crate::sqs::refusal::Refusal;

/// The answer is lost: the connection is closed instead.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost: a fault of the queue server")]
pub struct AnswerLost;

/// Performs an action, whose request is JSON.
pub(crate) async fn perform(
    account: &Arc<Account>,
    action: &str,
    request: &[u8],
) -> Result<Result<Vec<u8>, Refusal>, AnswerLost> {
    let mut draws = if is_faulty(action) {
        account.faults.draw()
    } else {
        FaultDraws::none()
    };
    let answer = if draws.throttled() {
        Err(Refusal::RequestThrottled)
    } else {
        act(account, action, request, &mut draws).await
    };
    if answer.is_ok() && draws.lost() {
        return Err(AnswerLost);
    }
    Ok(answer)
}

/// Whether the action can have faults: actions on messages can, actions on queues can not.
fn is_faulty(action: &str) -> bool {
    [
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
    ]
    .iter()
    .any(|name| {
        action
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest == "Batch")
    })
}

/// Does what the action says. The request and the answer are JSON.
async fn act(
    account: &Arc<Account>,
    action: &str,
    body: &[u8],
    draws: &mut FaultDraws<'_>,
) -> Result<Vec<u8>, Refusal> {
    match action {
        "SendMessage" => json_of(&send::send(account, read(body)?)?),
        "SendMessageBatch" => json_of(&send::send_batch(account, read(body)?, draws)?),
        "ReceiveMessage" => json_of(&receive::receive(account, read(body)?, draws).await?),
        "DeleteMessage" => done(settle::settle(account, &read(body)?, Settle::Delete)),
        "DeleteMessageBatch" => json_of(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::Delete,
        )?),
        "ChangeMessageVisibility" => done(settle::settle(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )),
        "ChangeMessageVisibilityBatch" => json_of(&settle::settle_batch(
            account,
            &read(body)?,
            Settle::ChangeVisibility,
        )?),
        "CreateQueue" => json_of(&admin::create(account, &read(body)?)?),
        "GetQueueUrl" => json_of(&admin::url(account, &read(body)?)?),
        "ListQueues" => json_of(&admin::list(account, &read(body)?)?),
        "ListDeadLetterSourceQueues" => json_of(&admin::list_sources(account, &read(body)?)?),
        "GetQueueAttributes" => json_of(&settings::get_attributes(account, &read(body)?)?),
        "SetQueueAttributes" => done(settings::set_attributes(account, &read(body)?)),
        "TagQueue" => done(settings::tag(account, &read(body)?)),
        "UntagQueue" => done(settings::untag(account, &read(body)?)),
        "ListQueueTags" => json_of(&settings::tags(account, &read(body)?)?),
        "PurgeQueue" => done(admin::purge(account, &read(body)?)),
        "StartMessageMoveTask" => json_of(&move_task::start(account, &read(body)?)?),
        "ListMessageMoveTasks" => json_of(&move_task::list(account, &read(body)?)?),
        "CancelMessageMoveTask" => json_of(&move_task::cancel(account, &read(body)?)?),
        "AddPermission" => done(permission::add(account, &read(body)?)),
        "RemovePermission" => done(permission::remove(account, &read(body)?)),
        "DeleteQueue" => done(admin::delete(account, &read(body)?)),
        _ => Err(Refusal::UnknownOperation),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Serialization(error.to_string()))
}

fn json_of(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|_| Refusal::InternalError)
}

fn done(result: Result<(), Refusal>) -> Result<Vec<u8>, Refusal> {
    result.map(|()| b"{}".to_vec())
}
