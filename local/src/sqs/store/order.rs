//! Which message is next. In a standard queue it is the oldest one. In a FIFO queue it is the first
//! one of a group that has no message in flight. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::sqs::message::StoredMessage;

/// The visible messages of a queue, by slot, in the order of their receives.
#[derive(Debug)]
pub(crate) enum VisibleOrder {
    /// Oldest first. A slot in it may not be visible any more: the store skips it.
    Standard(VecDeque<u32>),
    Fifo(MessageGroups),
}

/// The message groups of a FIFO queue. A message in flight locks its group.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html>
#[derive(Debug, Default)]
pub(crate) struct MessageGroups {
    by_name: HashMap<Arc<str>, MessageGroup>,
    /// Groups with messages to receive. A group in it may have none any more: it is skipped.
    ready: VecDeque<Arc<str>>,
}

#[derive(Debug, Default)]
struct MessageGroup {
    /// The visible messages by sequence number, so a message that comes back has its old position.
    waiting: BTreeMap<u64, u32>,
    in_flight: usize,
    /// Whether the group is in `ready`.
    is_ready: bool,
}

impl VisibleOrder {
    /// The empty order of a standard or a FIFO queue.
    pub(crate) fn new(fifo: bool) -> Self {
        if fifo {
            Self::Fifo(MessageGroups::default())
        } else {
            Self::Standard(VecDeque::new())
        }
    }

    /// Whether it is the order of a FIFO queue.
    pub(crate) fn is_fifo(&self) -> bool {
        matches!(self, Self::Fifo(_))
    }

    /// Adds a message that has become visible.
    pub(crate) fn push(&mut self, slot: u32, message: &StoredMessage) {
        match self {
            Self::Standard(slots) => slots.push_back(slot),
            Self::Fifo(groups) => groups.change(message, |group| {
                group.waiting.insert(sequence(message), slot);
            }),
        }
    }

    /// Takes the slot of the next message. In a FIFO queue one receive can take several messages of
    /// one group, so the group stays ready until [`VisibleOrder::end_receive`].
    pub(crate) fn pop(&mut self) -> Option<u32> {
        match self {
            Self::Standard(slots) => slots.pop_front(),
            Self::Fifo(groups) => groups.pop(),
        }
    }

    /// Ends a receive: the group of the last messages is locked from now on.
    pub(crate) fn end_receive(&mut self) {
        let Self::Fifo(groups) = self else { return };
        let first = groups
            .ready
            .front()
            .and_then(|name| groups.by_name.get_mut(name));
        if let Some(locked) = first.filter(|group| group.in_flight > 0) {
            locked.is_ready = false;
            groups.ready.pop_front();
        }
    }

    /// Removes a message that is not visible any more, though nobody received it.
    pub(crate) fn remove(&mut self, message: &StoredMessage) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| {
                group.waiting.remove(&sequence(message));
            });
        }
    }

    /// The message is in flight from now on, so it locks its group.
    pub(crate) fn lock_group(&mut self, message: &StoredMessage) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| group.in_flight += 1);
        }
    }

    /// The message is not in flight any more.
    pub(crate) fn unlock_group(&mut self, message: &StoredMessage) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| group.in_flight -= 1);
        }
    }

    /// Drops the slots that are not visible, if there are more of them than of the others.
    pub(crate) fn compact(&mut self, visible: usize, is_visible: impl Fn(u32) -> bool) {
        const SLACK: usize = 1_024;
        if let Self::Standard(slots) = self
            && slots.len() > 2 * visible + SLACK
        {
            slots.retain(|slot| is_visible(*slot));
        }
    }
}

impl MessageGroups {
    fn pop(&mut self) -> Option<u32> {
        loop {
            let name = self.ready.front()?;
            let Some(group) = self.by_name.get_mut(name) else {
                self.ready.pop_front();
                continue;
            };
            if let Some((_, slot)) = group.waiting.pop_first() {
                return Some(slot);
            }
            group.is_ready = false;
            if group.in_flight == 0 {
                self.by_name.remove(name);
            }
            self.ready.pop_front();
        }
    }

    /// Changes the group of the message. If that makes it ready, adds it to the ready groups.
    fn change(&mut self, message: &StoredMessage, change: impl FnOnce(&mut MessageGroup)) {
        let Some(name) = message
            .extra
            .as_ref()
            .and_then(|extra| extra.group.as_ref())
        else {
            return;
        };
        let group = self.by_name.entry(Arc::clone(name)).or_default();
        change(group);
        if group.in_flight > 0 || group.is_ready {
            return;
        }
        if group.waiting.is_empty() {
            self.by_name.remove(name);
        } else {
            group.is_ready = true;
            self.ready.push_back(Arc::clone(name));
        }
    }
}

fn sequence(message: &StoredMessage) -> u64 {
    message.extra.as_ref().map_or(0, |extra| extra.sequence)
}
