//! The queues of the server's one account, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::clock::{Clock, Millis};
use crate::sqs::faults::FaultSource;
use crate::sqs::move_task::MoveTask;
use crate::sqs::options::QueueOptions;
use crate::sqs::queue::Queue;
use crate::sqs::queue::attributes::QueueAttributes;
use crate::sqs::refusal::Refusal;

/// The account in the ARN and the URL of every queue.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A name is free again one minute after its queue was deleted.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html>
const MIN_NAME_REUSE: Millis = 60_000;

/// All queues, and what they share.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) clock: Clock,
    pub(crate) region: String,
    /// `http://host:port`.
    pub(crate) url: String,
    pub(crate) max_in_flight: usize,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
    /// The names of deleted queues, and when they were deleted.
    deleted: Mutex<HashMap<String, Millis>>,
    move_tasks: Mutex<Vec<Arc<MoveTask>>>,
    pub(crate) faults: FaultSource,
}

impl Account {
    /// An account without queues.
    pub(crate) fn new(url: String, options: QueueOptions) -> Self {
        Self {
            clock: options.clock,
            region: options.region,
            url,
            max_in_flight: options.max_in_flight,
            queues: RwLock::default(),
            deleted: Mutex::default(),
            move_tasks: Mutex::default(),
            faults: FaultSource::new(options.faults),
        }
    }

    /// The queue at `url`. Only the path counts: a client may know this host by another name.
    pub(crate) fn at(&self, url: &str) -> Result<Arc<Queue>, Refusal> {
        if url.is_empty() {
            return Err(Refusal::MissingParameter("QueueUrl"));
        }
        let mut parts = url.rsplit('/');
        match (parts.next(), parts.next()) {
            (Some(name), Some(ACCOUNT)) => self.named(name),
            (Some(_), Some(account)) if account.len() == 12 => Err(Refusal::QueueDoesNotExist),
            _ => Err(Refusal::InvalidAddress(url.to_owned())),
        }
    }

    /// The queue with this name.
    pub(crate) fn named(&self, name: &str) -> Result<Arc<Queue>, Refusal> {
        let queue = self.queues.read().get(name).cloned();
        queue.ok_or(Refusal::QueueDoesNotExist)
    }

    /// The queue with this ARN.
    pub(crate) fn with_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        let queue = self.named(arn.rsplit(':').next()?).ok()?;
        (*queue.arn == *arn).then_some(queue)
    }

    /// The message move tasks, in the order of their start.
    pub(crate) fn move_tasks(&self) -> MutexGuard<'_, Vec<Arc<MoveTask>>> {
        self.move_tasks.lock()
    }

    /// All queues, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        self.queues.read().values().cloned().collect()
    }

    /// The queue with this name. Creates it if it does not exist.
    pub(crate) fn create(
        &self,
        name: &str,
        attributes: QueueAttributes,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Queue>, Refusal> {
        let now = self.clock.millis();
        let mut deleted = self.deleted.lock();
        deleted.retain(|_, at| *at + MIN_NAME_REUSE > now);
        if deleted.contains_key(name) {
            return Err(Refusal::QueueDeletedRecently);
        }
        // If two requests create the same queue at the same time, the first one wins and both get
        // it.
        let mut queues = self.queues.write();
        let queue = queues.entry(name.to_owned()).or_insert_with(|| {
            let arn = format!("arn:aws:sqs:{}:{ACCOUNT}:{name}", self.region);
            let url = format!("{}/{ACCOUNT}/{name}", self.url);
            Arc::new(Queue::new(name, arn, url, attributes, tags, now))
        });
        Ok(Arc::clone(queue))
    }

    /// Deletes a queue with its messages.
    pub(crate) fn delete(&self, queue: &Queue) {
        self.queues.write().remove(&queue.name);
        queue.arrived.notify_waiters();
        let now = self.clock.millis();
        self.deleted.lock().insert(queue.name.clone(), now);
    }
}
