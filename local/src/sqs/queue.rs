//! One queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::clock::Millis;
use crate::sqs::message::StoredMessage;
use crate::sqs::queue::attributes::QueueAttributes;
use crate::sqs::store::Store;
use crate::sqs::store::deduplication::Deduplication;

pub(crate) mod attributes;

/// One queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) arn: Arc<str>,
    pub(crate) url: String,
    pub(crate) fifo: bool,
    /// Stands in the queue's receipt handles, so that another queue refuses them.
    pub(crate) number: u32,
    pub(crate) created: Millis,
    /// Wakes one long poll: there are messages to receive.
    pub(crate) arrived: Notify,
    state: Mutex<QueueState>,
}

/// The parts of a queue that change.
#[derive(Debug)]
pub(crate) struct QueueState {
    pub(crate) attributes: QueueAttributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) modified: Millis,
    pub(crate) purged: Option<Millis>,
    pub(crate) store: Store,
    /// Used by a FIFO queue only.
    pub(crate) deduplication: Deduplication,
}

/// Whether a queue with this name is a FIFO queue.
pub(crate) fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

impl Queue {
    /// An empty queue with this name.
    pub(crate) fn new(
        name: &str,
        arn: String,
        url: String,
        attributes: QueueAttributes,
        tags: BTreeMap<String, String>,
        now: Millis,
    ) -> Self {
        let fifo = is_fifo(name);
        Self {
            name: name.to_owned(),
            arn: arn.into(),
            url,
            fifo,
            number: rand::random(),
            created: now,
            arrived: Notify::new(),
            state: Mutex::new(QueueState {
                attributes,
                tags,
                modified: now,
                purged: None,
                store: Store::new(fifo),
                deduplication: Deduplication::default(),
            }),
        }
    }

    /// Locks the queue. The lock must not be held across an await, nor while another queue is
    /// locked.
    pub(crate) fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }

    /// Adds messages that were in another queue: dead letters, and messages that a task moves.
    pub(crate) fn adopt(&self, messages: Vec<StoredMessage>, now: Millis) {
        if messages.is_empty() {
            return;
        }
        let mut state = self.lock();
        for mut message in messages {
            if self.fifo {
                // In a FIFO queue the retention period of a moved message begins again.
                // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
                message.sent_at = now;
            }
            state.store.send(message, now, now);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Whether the queue sends its dead letters to the queue with the ARN `target`.
    pub(crate) fn has_dead_letter_target(&self, target: &str) -> bool {
        let state = self.lock();
        let policy = state.attributes.redrive.as_ref();
        policy.is_some_and(|policy| policy.target_arn == target)
    }
}
