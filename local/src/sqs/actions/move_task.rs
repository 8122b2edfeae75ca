//! The actions on message move tasks, and the work of a task.

use std::sync::{Arc, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::sqs::account::Account;
use crate::sqs::message::StoredMessage;
use crate::sqs::move_task::{MoveStatus, MoveTask};
use crate::sqs::queue::Queue;
use crate::sqs::refusal::Refusal;

/// A task moves at most 500 messages a second.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>
const MAX_PER_SECOND: i64 = 500;

/// Without a rate a task moves this many messages before other work gets its turn.
const STRIDE: u32 = 500;

/// A list has at most ten tasks, and one if the request gives no number.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html>
const MAX_LISTED: i64 = 10;

/// A request of any of the three actions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MoveRequest {
    #[serde(default)]
    source_arn: String,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
    max_results: Option<i64>,
    #[serde(default)]
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StartAnswer {
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CancelAnswer {
    approximate_number_of_messages_moved: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TaskList {
    results: Vec<ListedTask>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedTask {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: MoveStatus,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    started_timestamp: Millis,
}

/// `StartMessageMoveTask`.
pub(crate) fn start(account: &Arc<Account>, request: &MoveRequest) -> Result<StartAnswer, Refusal> {
    let source = source(account, &request.source_arn)?;
    if !account
        .all()
        .iter()
        .any(|queue| queue.has_dead_letter_target(&source.arn))
    {
        return Err(Refusal::InvalidParameterValue(
            "Source queue must be configured as a Dead Letter Queue.".to_owned(),
        ));
    }
    let destination = match &request.destination_arn {
        Some(arn) => Some(account.with_arn(arn).ok_or(Refusal::ResourceNotFound(
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ))?),
        None => None,
    };
    let max_per_second = match request.max_number_of_messages_per_second {
        Some(rate) if !(1..=MAX_PER_SECOND).contains(&rate) => {
            return Err(Refusal::value(
                rate,
                "MaxNumberOfMessagesPerSecond",
                "Must be between 1 and 500.",
            ));
        }
        rate => rate.and_then(|rate| u32::try_from(rate).ok()),
    };
    let now = account.clock.millis();
    let mut tasks = account.move_tasks();
    if tasks.iter().any(|task| task.empties(&source)) {
        return Err(Refusal::InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue \
             arn at a given time."
                .to_owned(),
        ));
    }
    let task_id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let handle = format!(r#"{{"taskId":"{task_id}","sourceArn":"{}"}}"#, source.arn);
    let handle = BASE64.encode(handle);
    let task = Arc::new(MoveTask::new(
        handle,
        source,
        destination,
        max_per_second,
        now,
    ));
    tasks.push(Arc::clone(&task));
    drop(tasks);
    tokio::spawn(run(Arc::downgrade(account), Arc::clone(&task)));
    Ok(StartAnswer {
        task_handle: task.handle.clone(),
    })
}

/// `ListMessageMoveTasks`. The latest task is first.
pub(crate) fn list(account: &Account, request: &MoveRequest) -> Result<TaskList, Refusal> {
    let source = source(account, &request.source_arn)?;
    let max = request.max_results.unwrap_or(1);
    let max = usize::try_from(max)
        .ok()
        .filter(|_| (1..=MAX_LISTED).contains(&max))
        .ok_or_else(|| Refusal::value(max, "MaxResults", "Must be between 1 and 10."))?;
    let results = account
        .move_tasks()
        .iter()
        .rev()
        .filter(|task| task.source.arn == source.arn)
        .take(max)
        .map(|task| describe(task))
        .collect();
    Ok(TaskList { results })
}

/// `CancelMessageMoveTask`. The messages that were moved stay where they are.
pub(crate) fn cancel(account: &Account, request: &MoveRequest) -> Result<CancelAnswer, Refusal> {
    if request.task_handle.is_empty() {
        return Err(Refusal::MissingParameter("TaskHandle"));
    }
    if BASE64.decode(&request.task_handle).is_err() {
        return Err(Refusal::InvalidParameterValue(
            "Value for parameter TaskHandle is invalid.".to_owned(),
        ));
    }
    let tasks = account.move_tasks();
    let task = tasks
        .iter()
        .find(|task| task.handle == request.task_handle)
        .ok_or(Refusal::ResourceNotFound("Task does not exist."))?;
    let mut progress = task.progress();
    if progress.status != MoveStatus::Running {
        return Err(Refusal::InvalidParameterValue(
            "Only active tasks can be cancelled.".to_owned(),
        ));
    }
    progress.status = MoveStatus::Cancelled;
    Ok(CancelAnswer {
        approximate_number_of_messages_moved: progress.moved,
    })
}

fn source(account: &Account, arn: &str) -> Result<Arc<Queue>, Refusal> {
    if arn.is_empty() {
        return Err(Refusal::MissingParameter("SourceArn"));
    }
    if !arn.starts_with("arn:") || arn.split(':').count() != 6 {
        return Err(Refusal::InvalidParameterValue(
            "You must use this format to specify the SourceArn: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
                .to_owned(),
        ));
    }
    account.with_arn(arn).ok_or(Refusal::ResourceNotFound(
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    ))
}

/// Moves messages until there are none left, the task is cancelled or the server stops.
async fn run(account: Weak<Account>, task: Arc<MoveTask>) {
    loop {
        let Some(account) = account.upgrade() else {
            return;
        };
        let began = account.clock.millis();
        for _ in 0..task.max_per_second.unwrap_or(STRIDE) {
            if !move_one(&account, &task) {
                return;
            }
        }
        if task.max_per_second.is_some() {
            let clock = account.clock.clone();
            drop(account);
            clock.sleep_until(began + 1_000).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Moves one message. `false`: the task has ended.
fn move_one(account: &Account, task: &MoveTask) -> bool {
    let mut progress = task.progress();
    if progress.status != MoveStatus::Running {
        return false;
    }
    let now = account.clock.millis();
    let mut state = task.source.lock();
    let retention = state.attributes.retention();
    let Some(message) = state.store.take(now, retention) else {
        progress.status = MoveStatus::Completed;
        return false;
    };
    let origin = || {
        let arn = message.extra.as_ref()?.dead_letter_source.as_ref()?;
        account.with_arn(arn)
    };
    let Some(target) = task.destination.clone().or_else(origin) else {
        state.store.send(message, now, now);
        progress.status = MoveStatus::Failed;
        progress.failure = Some("CouldNotDetermineMessageSource");
        return false;
    };
    drop(state);
    target.adopt(vec![redriven(message, now)], now);
    progress.moved += 1;
    true
}

/// The message as the other queue gets it. It "is considered a new message with a new messageID and
/// enqueueTime".
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>
fn redriven(mut message: StoredMessage, now: Millis) -> StoredMessage {
    message.id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    message.sent_at = now;
    message.first_received_at = 0;
    message.receives = 0;
    if let Some(extra) = &mut message.extra {
        Arc::make_mut(extra).dead_letter_source = None;
    }
    message
}

fn describe(task: &MoveTask) -> ListedTask {
    let progress = *task.progress();
    let is_running = progress.status == MoveStatus::Running;
    ListedTask {
        task_handle: is_running.then(|| task.handle.clone()),
        status: progress.status,
        source_arn: task.source.arn.to_string(),
        destination_arn: task.destination.as_ref().map(|queue| queue.arn.to_string()),
        max_number_of_messages_per_second: task.max_per_second,
        approximate_number_of_messages_moved: progress.moved,
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason: progress.failure,
        started_timestamp: task.started,
    }
}
