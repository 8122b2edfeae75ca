//! Which message is next: in a standard queue the oldest, in a FIFO queue the first of a group that nobody holds. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::sqs::message::Message;

/// The visible messages of a queue, by slot, in the order that they are to be received.
#[derive(Debug)]
pub(crate) enum Order {
    /// Oldest first. A slot may be listed that is not visible any more: the store passes over it.
    Standard(VecDeque<u32>),
    Fifo(Groups),
}

/// The message groups of a FIFO queue: those in flight lock their group.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html>
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_name: HashMap<Arc<str>, Group>,
    /// Groups with messages to receive. A group that has none any more is passed over.
    ready: VecDeque<Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    /// Visible messages by sequence number: one that comes back does so in its place.
    waiting: BTreeMap<u64, u32>,
    in_flight: usize,
    /// Whether the group is among the ready ones.
    listed: bool,
}

impl Order {
    /// Adds a message that has become visible.
    pub(crate) fn push(&mut self, slot: u32, message: &Message) {
        match self {
            Self::Standard(line) => line.push_back(slot),
            Self::Fifo(groups) => groups.change(message, |group| {
                group.waiting.insert(sequence(message), slot);
            }),
        }
    }

    /// Takes out the next message to receive. In a FIFO queue a group goes on as long as it has messages: those of one
    /// receive may be of one group.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        match self {
            Self::Standard(line) => line.pop_front(),
            Self::Fifo(groups) => groups.pop(),
        }
    }

    /// Ends a receive: the group that the last messages came from is locked from now on.
    pub(crate) fn end_receive(&mut self) {
        let Self::Fifo(groups) = self else { return };
        let locked = groups
            .ready
            .front()
            .and_then(|name| groups.by_name.get_mut(name));
        if let Some(group) = locked.filter(|group| group.in_flight > 0) {
            group.listed = false;
            groups.ready.pop_front();
        }
    }

    /// Takes out a message that is visible no more, though nobody received it.
    pub(crate) fn remove(&mut self, message: &Message) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| {
                group.waiting.remove(&sequence(message));
            });
        }
    }

    /// A message is in flight.
    pub(crate) fn hold(&mut self, message: &Message) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| group.in_flight += 1);
        }
    }

    /// A message is in flight no more.
    pub(crate) fn release(&mut self, message: &Message) {
        if let Self::Fifo(groups) = self {
            groups.change(message, |group| group.in_flight -= 1);
        }
    }

    /// Drops what is stale, where that outweighs what is not.
    pub(crate) fn compact(&mut self, visible: usize, is_visible: impl Fn(u32) -> bool) {
        const SLACK: usize = 1_024;
        if let Self::Standard(line) = self
            && line.len() > 2 * visible + SLACK
        {
            line.retain(|slot| is_visible(*slot));
        }
    }
}

impl Groups {
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
            group.listed = false;
            if group.in_flight == 0 {
                self.by_name.remove(name);
            }
            self.ready.pop_front();
        }
    }

    /// Changes the message's group, and lists it where it has become ready.
    fn change(&mut self, message: &Message, change: impl FnOnce(&mut Group)) {
        let Some(name) = message
            .extra
            .as_ref()
            .and_then(|extra| extra.group.as_ref())
        else {
            return;
        };
        let group = self.by_name.entry(Arc::clone(name)).or_default();
        change(group);
        if group.in_flight > 0 || group.listed {
            return;
        }
        if group.waiting.is_empty() {
            self.by_name.remove(name);
        } else {
            group.listed = true;
            self.ready.push_back(Arc::clone(name));
        }
    }
}

fn sequence(message: &Message) -> u64 {
    message.extra.as_ref().map_or(0, |extra| extra.sequence)
}
