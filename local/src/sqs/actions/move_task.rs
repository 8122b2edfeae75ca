//! Message move tasks: dead letters go back to where they came from, or elsewhere, at a given rate.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::sqs::account::{Account, Queue};
use crate::sqs::actions::admin;
use crate::sqs::message::Message;
use crate::sqs::refusal::Refusal;

/// Messages moved at a time where no rate is given.
const STRIDE: u32 = 500;

/// A list of tasks has ten at most, and one where nothing is said.
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
pub(crate) struct Started {
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    results: Vec<Described>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: Status,
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

/// One task.
#[derive(Debug)]
pub(crate) struct MoveTask {
    handle: String,
    source: Arc<Queue>,
    /// `None`: each message goes back to the queue that it was a dead letter of.
    destination: Option<Arc<Queue>>,
    per_second: Option<u32>,
    to_move: usize,
    started: Millis,
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    status: Status,
    moved: u64,
    failure: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Running,
    Completed,
    Cancelled,
    Failed,
}

/// `StartMessageMoveTask`.
pub(crate) fn start(account: &Arc<Account>, request: &MoveRequest) -> Result<Started, Refusal> {
    let source = source(account, &request.source_arn)?;
    if !account
        .all()
        .iter()
        .any(|queue| admin::is_source(queue, &source.arn))
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
    let per_second = match request.max_number_of_messages_per_second {
        Some(rate) if !(1..=500).contains(&rate) => {
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
    if tasks
        .iter()
        .any(|task| task.source.arn == source.arn && task.progress().status == Status::Running)
    {
        return Err(Refusal::InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
                .to_owned(),
        ));
    }
    let task_id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let handle = format!(r#"{{"taskId":"{task_id}","sourceArn":"{}"}}"#, source.arn);
    let to_move = {
        let mut inside = source.lock();
        let retention = inside.attributes.retention();
        inside.store.counts(now, retention).visible
    };
    let task = Arc::new(MoveTask {
        handle: BASE64.encode(handle),
        source,
        destination,
        per_second,
        to_move,
        started: now,
        progress: Mutex::new(Progress {
            status: Status::Running,
            moved: 0,
            failure: None,
        }),
    });
    tasks.push(Arc::clone(&task));
    drop(tasks);
    tokio::spawn(run(Arc::downgrade(account), Arc::clone(&task)));
    Ok(Started {
        task_handle: task.handle.clone(),
    })
}

/// `ListMessageMoveTasks`: the latest first.
pub(crate) fn list(account: &Account, request: &MoveRequest) -> Result<Listed, Refusal> {
    let source = source(account, &request.source_arn)?;
    let most = request.max_results.unwrap_or(1);
    if !(1..=MAX_LISTED).contains(&most) {
        return Err(Refusal::value(
            most,
            "MaxResults",
            "Must be between 1 and 10.",
        ));
    }
    let results = account
        .move_tasks()
        .iter()
        .rev()
        .filter(|task| task.source.arn == source.arn)
        .take(usize::try_from(most).unwrap_or(1))
        .map(|task| task.describe())
        .collect();
    Ok(Listed { results })
}

/// `CancelMessageMoveTask`: what was moved stays where it is.
pub(crate) fn cancel(account: &Account, request: &MoveRequest) -> Result<Cancelled, Refusal> {
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
    if progress.status != Status::Running {
        return Err(Refusal::InvalidParameterValue(
            "Only active tasks can be cancelled.".to_owned(),
        ));
    }
    progress.status = Status::Cancelled;
    Ok(Cancelled {
        approximate_number_of_messages_moved: progress.moved,
    })
}

fn source(account: &Account, arn: &str) -> Result<Arc<Queue>, Refusal> {
    if arn.is_empty() {
        return Err(Refusal::MissingParameter("SourceArn"));
    }
    if !arn.starts_with("arn:") || arn.split(':').count() != 6 {
        return Err(Refusal::InvalidParameterValue(
            "You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
                .to_owned(),
        ));
    }
    account.with_arn(arn).ok_or(Refusal::ResourceNotFound(
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    ))
}

/// Moves messages until there are none, the task is cancelled, or the server is gone.
async fn run(account: Weak<Account>, task: Arc<MoveTask>) {
    loop {
        let Some(account) = account.upgrade() else {
            return;
        };
        let began = account.clock.millis();
        for _ in 0..task.per_second.unwrap_or(STRIDE) {
            if !step(&account, &task) {
                return;
            }
        }
        if task.per_second.is_some() {
            let clock = account.clock.clone();
            drop(account);
            clock.sleep_until(began + 1_000).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Moves one message; `false` where the task has ended.
fn step(account: &Account, task: &MoveTask) -> bool {
    let mut progress = task.progress();
    if progress.status != Status::Running {
        return false;
    }
    let now = account.clock.millis();
    let mut inside = task.source.lock();
    let retention = inside.attributes.retention();
    let Some(message) = inside.store.take(now, retention) else {
        progress.status = Status::Completed;
        return false;
    };
    let came_from = || {
        let arn = message.extra.as_ref()?.dead_letter_source.as_ref()?;
        account.with_arn(arn)
    };
    let Some(target) = task.destination.clone().or_else(came_from) else {
        inside.store.send(message, now, now);
        progress.status = Status::Failed;
        progress.failure = Some("CouldNotDetermineMessageSource");
        return false;
    };
    drop(inside);
    target.adopt(vec![redriven(message, now)], now);
    progress.moved += 1;
    true
}

/// A message that was moved back "is considered a new message with a new messageID and enqueueTime".
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>
fn redriven(mut message: Message, now: Millis) -> Message {
    message.id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    message.sent_at = now;
    message.first_received_at = 0;
    message.receives = 0;
    if let Some(extra) = &mut message.extra {
        Arc::make_mut(extra).dead_letter_source = None;
    }
    message
}

impl MoveTask {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self) -> Described {
        let progress = *self.progress();
        Described {
            task_handle: (progress.status == Status::Running).then(|| self.handle.clone()),
            status: progress.status,
            source_arn: self.source.arn.to_string(),
            destination_arn: self.destination.as_ref().map(|queue| queue.arn.to_string()),
            max_number_of_messages_per_second: self.per_second,
            approximate_number_of_messages_moved: progress.moved,
            approximate_number_of_messages_to_move: self.to_move,
            failure_reason: progress.failure,
            started_timestamp: self.started,
        }
    }
}
