//! The queues of the one account that the server plays, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;

use crate::clock::{Clock, Millis};
use crate::sqs::actions::move_task::MoveTask;
use crate::sqs::attributes::QueueAttributes;
use crate::sqs::faults::{Faulty, QueueFaults};
use crate::sqs::message::Message;
use crate::sqs::refusal::Refusal;
use crate::sqs::store::Store;
use crate::sqs::store::deduplication::Deduplication;

/// The account in every queue's ARN and URL.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A name is free again this long after its queue was deleted.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html>
const NAME_REST: Millis = 60_000;

/// All queues, and what they share.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) clock: Clock,
    pub(crate) region: String,
    /// `http://host:port`.
    pub(crate) url: String,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
    /// Names of queues that were deleted, and when.
    deleted: Mutex<HashMap<String, Millis>>,
    move_tasks: Mutex<Vec<Arc<MoveTask>>>,
    pub(crate) faults: Faulty,
}

/// One queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) arn: Arc<str>,
    pub(crate) url: String,
    pub(crate) fifo: bool,
    /// Goes into its receipt handles, so that they are no good elsewhere.
    pub(crate) number: u32,
    pub(crate) created: Millis,
    /// Wakes one long poll: there are messages to take.
    pub(crate) arrived: Notify,
    inside: Mutex<Inside>,
}

/// What changes in a queue.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) attributes: QueueAttributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) modified: Millis,
    pub(crate) purged: Option<Millis>,
    pub(crate) store: Store,
    /// Of a FIFO queue.
    pub(crate) deduplication: Deduplication,
}

impl Queue {
    /// The queue, for as long as nobody else may see it. Never held across an await, nor while another queue's is taken.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages that were in another queue: dead letters, and those moved back.
    pub(crate) fn adopt(&self, messages: Vec<Message>, now: Millis) {
        if messages.is_empty() {
            return;
        }
        let mut inside = self.lock();
        for mut message in messages {
            if self.fifo {
                // In a FIFO queue the retention period begins anew.
                // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
                message.sent_at = now;
            }
            inside.store.send(message, now, now);
        }
        drop(inside);
        self.arrived.notify_one();
    }
}

impl Account {
    /// An account with no queues.
    pub(crate) fn new(url: String, region: String, clock: Clock, faults: QueueFaults) -> Self {
        Self {
            clock,
            region,
            url,
            queues: RwLock::default(),
            deleted: Mutex::default(),
            move_tasks: Mutex::default(),
            faults: Faulty::new(faults),
        }
    }

    /// The queue at `url`, of which only the path matters: a client may know this host by another name.
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

    /// The queue of this name.
    pub(crate) fn named(&self, name: &str) -> Result<Arc<Queue>, Refusal> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.get(name).cloned().ok_or(Refusal::QueueDoesNotExist)
    }

    /// The queue with this ARN.
    pub(crate) fn with_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        let queue = self.named(arn.rsplit(':').next()?).ok()?;
        (*queue.arn == *arn).then_some(queue)
    }

    /// The message move tasks, in the order that they were started.
    pub(crate) fn move_tasks(&self) -> MutexGuard<'_, Vec<Arc<MoveTask>>> {
        self.move_tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// All queues, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.values().cloned().collect()
    }

    /// The queue of this name, made now where there is none.
    pub(crate) fn create(
        &self,
        name: &str,
        attributes: QueueAttributes,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Queue>, Refusal> {
        let now = self.clock.millis();
        let mut deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted.retain(|_, at| *at + NAME_REST > now);
        if deleted.contains_key(name) {
            return Err(Refusal::QueueDeletedRecently);
        }
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        // Two requests may race to make the same queue: the first wins, and both get it.
        let fifo = name.strip_suffix(".fifo").is_some();
        let queue = queues.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Queue {
                name: name.to_owned(),
                arn: format!("arn:aws:sqs:{}:{ACCOUNT}:{name}", self.region).into(),
                url: format!("{}/{ACCOUNT}/{name}", self.url),
                fifo,
                number: rand::random(),
                created: now,
                arrived: Notify::new(),
                inside: Mutex::new(Inside {
                    attributes,
                    tags,
                    modified: now,
                    purged: None,
                    store: Store::new(fifo),
                    deduplication: Deduplication::default(),
                }),
            })
        });
        Ok(Arc::clone(queue))
    }

    /// Forgets a queue and its messages.
    pub(crate) fn delete(&self, queue: &Queue) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.remove(&queue.name);
        drop(queues);
        queue.arrived.notify_waiters();
        let mut deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted.insert(queue.name.clone(), self.clock.millis());
    }
}
