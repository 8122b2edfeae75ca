//! A message move task: it moves dead letters back to their queues, or to another queue.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use crate::clock::Millis;
use crate::sqs::queue::Queue;

/// One task.
#[derive(Debug)]
pub(crate) struct MoveTask {
    pub(crate) handle: String,
    pub(crate) source: Arc<Queue>,
    /// `None`: each message goes back to the queue whose dead letter it is.
    pub(crate) destination: Option<Arc<Queue>>,
    pub(crate) max_per_second: Option<u32>,
    /// How many messages the source had at the start.
    pub(crate) to_move: usize,
    pub(crate) started: Millis,
    progress: Mutex<MoveProgress>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MoveProgress {
    pub(crate) status: MoveStatus,
    pub(crate) moved: u64,
    pub(crate) failure: Option<&'static str>,
}

/// SQS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum MoveStatus {
    Running,
    Completed,
    Cancelled,
    Failed,
}

impl MoveTask {
    /// A task that has moved nothing yet.
    pub(crate) fn new(
        handle: String,
        source: Arc<Queue>,
        destination: Option<Arc<Queue>>,
        max_per_second: Option<u32>,
        now: Millis,
    ) -> Self {
        let to_move = {
            let mut state = source.lock();
            let retention = state.attributes.retention();
            state.store.counts(now, retention).visible
        };
        Self {
            handle,
            source,
            destination,
            max_per_second,
            to_move,
            started: now,
            progress: Mutex::new(MoveProgress {
                status: MoveStatus::Running,
                moved: 0,
                failure: None,
            }),
        }
    }

    /// Locks how far the task is.
    pub(crate) fn progress(&self) -> MutexGuard<'_, MoveProgress> {
        self.progress.lock()
    }

    /// Whether the task moves messages out of this queue now.
    pub(crate) fn empties(&self, queue: &Queue) -> bool {
        self.source.arn == queue.arn && self.progress().status == MoveStatus::Running
    }
}
