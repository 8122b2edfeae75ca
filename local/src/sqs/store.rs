//! The messages of one queue: which are visible, in flight or delayed, and until when. Pure: time
//! is a parameter.
//!
//! No function walks through the queue. A send, a receive and a delete take as long with a million
//! messages as with a thousand.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::clock::Millis;
use crate::sqs::message::StoredMessage;
use crate::sqs::store::order::VisibleOrder;
use crate::sqs::store::slots::{Slot, SlotKey, SlotState, Slots};

pub(crate) mod deduplication;
mod order;
pub(crate) mod slots;

/// A queue has at most about this many messages in flight.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>
pub(crate) const MAX_IN_FLIGHT: usize = 120_000;

/// The messages of one queue.
#[derive(Debug)]
pub(crate) struct Store {
    slots: Slots,
    /// The visible messages in the order of their receives.
    visible: VisibleOrder,
    /// The messages in flight or delayed, by the time when they become visible.
    hidden: BTreeSet<(Millis, u32)>,
    /// All messages in the order of their sends, for the retention period.
    arrivals: VecDeque<SlotKey>,
    counts: MessageCounts,
    /// How many messages were sent to a FIFO queue. The next message gets the next number.
    sequence: u64,
}

/// The approximate numbers in the attributes of the queue. Here they are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageCounts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

/// What a receive takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Take {
    pub(crate) max: usize,
    pub(crate) visibility: Millis,
    pub(crate) retention: Millis,
    /// A message that was received this often goes to the dead-letter queue.
    pub(crate) max_receives: Option<u32>,
}

/// What a receive took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) received: Vec<(SlotKey, StoredMessage)>,
    /// Messages that were received too often. They are not in this queue any more.
    pub(crate) dead: Vec<StoredMessage>,
}

/// What became of the message of a receipt handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleState {
    /// In flight since the receive of the handle.
    InFlight,
    /// Visible again, and not received again since.
    Lapsed,
    /// Received again since. A later handle counts now.
    Superseded,
    /// Deleted, expired or moved.
    Gone,
}

impl Store {
    /// The empty store of a standard or a FIFO queue.
    pub(crate) fn new(fifo: bool) -> Self {
        Self {
            slots: Slots::default(),
            visible: VisibleOrder::new(fifo),
            hidden: BTreeSet::new(),
            arrivals: VecDeque::new(),
            counts: MessageCounts::default(),
            sequence: 0,
        }
    }

    /// Adds a message that becomes visible at `visible_at`. Gives its sequence number, which is 0
    /// in a standard queue.
    pub(crate) fn send(
        &mut self,
        mut message: StoredMessage,
        now: Millis,
        visible_at: Millis,
    ) -> u64 {
        if self.visible.is_fifo() {
            self.sequence += 1;
            Arc::make_mut(message.extra.get_or_insert_default()).sequence = self.sequence;
        }
        let key = self.slots.insert(message);
        self.arrivals.push_back(key);
        if visible_at > now {
            self.hide_slot(key.slot, SlotState::Delayed, visible_at);
        } else {
            self.show_slot(key.slot);
        }
        self.compact();
        self.sequence
    }

    /// Takes visible messages in their order.
    pub(crate) fn receive(&mut self, now: Millis, take: Take) -> Taken {
        self.advance(now, take.retention);
        let mut taken = Taken::default();
        while taken.received.len() < take.max {
            let Some(number) = self.visible.pop() else {
                break;
            };
            // The order of a standard queue can hold slots that are not visible any more.
            let Some(Slot {
                generation,
                state: SlotState::Visible,
                received_at,
                message: Some(message),
                ..
            }) = self.slots.get_mut(number)
            else {
                continue;
            };
            if message.sent_at + take.retention <= now {
                self.empty_slot(number);
                continue;
            }
            if take.max_receives.is_some_and(|max| message.receives >= max) {
                taken.dead.extend(self.empty_slot(number));
                continue;
            }
            message.receives += 1;
            if message.first_received_at == 0 {
                message.first_received_at = now;
            }
            *received_at = now;
            let key = SlotKey {
                slot: number,
                generation: *generation,
            };
            taken.received.push((key, message.clone()));
            self.hide_slot(number, SlotState::InFlight, now + take.visibility);
        }
        self.visible.end_receive();
        taken
    }

    /// Takes the next visible message out of the queue, without a receive.
    pub(crate) fn take(&mut self, now: Millis, retention: Millis) -> Option<StoredMessage> {
        self.advance(now, retention);
        let number = loop {
            let number = self.visible.pop()?;
            if self.slots.is_visible(number) {
                break number;
            }
        };
        let message = self.empty_slot(number);
        self.visible.end_receive();
        message
    }

    /// What became of the message that `key` names since its receive with the number `receive`.
    pub(crate) fn handle_state(
        &mut self,
        key: SlotKey,
        receive: u32,
        now: Millis,
        retention: Millis,
    ) -> HandleState {
        self.advance(now, retention);
        match self.slots.find(key) {
            None => HandleState::Gone,
            Some((_, message)) if message.receives != receive => HandleState::Superseded,
            Some((slot, _)) if slot.state == SlotState::InFlight => HandleState::InFlight,
            Some(_) => HandleState::Lapsed,
        }
    }

    /// When the message was last received. `None`: it is gone.
    pub(crate) fn received_at(&self, key: SlotKey) -> Option<Millis> {
        let (slot, _) = self.slots.find(key)?;
        Some(slot.received_at)
    }

    /// Takes a message out of the queue, if it is still there.
    pub(crate) fn delete(&mut self, key: SlotKey) {
        if self.slots.find(key).is_some() {
            self.empty_slot(key.slot);
            self.compact();
        }
    }

    /// Hides a message until `until`, if it is still there. It is visible at once if that is not
    /// after `now`.
    pub(crate) fn hide(&mut self, key: SlotKey, now: Millis, until: Millis) {
        if self.slots.find(key).is_none() {
            return;
        }
        self.leave(key.slot);
        if until > now {
            self.hide_slot(key.slot, SlotState::InFlight, until);
        } else {
            self.show_slot(key.slot);
        }
    }

    /// Takes all messages out of the queue.
    pub(crate) fn purge(&mut self) {
        let all: Vec<SlotKey> = self.arrivals.drain(..).collect();
        for key in all {
            self.empty_slot(key.slot);
        }
        self.compact();
    }

    /// The counts at `now`.
    pub(crate) fn counts(&mut self, now: Millis, retention: Millis) -> MessageCounts {
        self.advance(now, retention);
        self.counts
    }

    /// When the next hidden message becomes visible, if there is one.
    pub(crate) fn next_wake(&self) -> Option<Millis> {
        self.hidden.first().map(|(at, _)| *at)
    }

    /// Shows the messages whose time has come, and drops those older than the retention period.
    fn advance(&mut self, now: Millis, retention: Millis) {
        while let Some((at, number)) = self.hidden.first().copied() {
            if at > now {
                break;
            }
            self.leave(number);
            self.show_slot(number);
        }
        while let Some(key) = self.arrivals.front().copied() {
            match self.slots.find(key) {
                Some((_, message)) if message.sent_at + retention > now => break,
                Some(_) => drop(self.empty_slot(key.slot)),
                None => {}
            }
            self.arrivals.pop_front();
        }
    }

    /// Makes an idle message visible.
    fn show_slot(&mut self, number: u32) {
        if let Some(slot) = self.slots.get_mut(number)
            && let Some(message) = &slot.message
        {
            slot.state = SlotState::Visible;
            self.counts.visible += 1;
            self.visible.push(number, message);
        }
    }

    /// Hides a message that is idle, or visible and just taken from `self.visible`.
    fn hide_slot(&mut self, number: u32, state: SlotState, until: Millis) {
        if let Some(slot) = self.slots.get_mut(number)
            && let Some(message) = &slot.message
        {
            if slot.state == SlotState::Visible {
                self.counts.visible -= 1;
            }
            if state == SlotState::InFlight {
                self.visible.lock_group(message);
            }
            slot.state = state;
            slot.until = until;
            *self.counts.hidden(state) += 1;
            self.hidden.insert((until, number));
        }
    }

    /// Makes a message idle.
    fn leave(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number) else {
            return;
        };
        let Some(message) = &slot.message else {
            return;
        };
        match slot.state {
            SlotState::Idle => {}
            SlotState::Visible => {
                self.counts.visible -= 1;
                self.visible.remove(message);
            }
            state @ (SlotState::InFlight | SlotState::Delayed) => {
                *self.counts.hidden(state) -= 1;
                self.hidden.remove(&(slot.until, number));
                if state == SlotState::InFlight {
                    self.visible.unlock_group(message);
                }
            }
        }
        slot.state = SlotState::Idle;
    }

    fn empty_slot(&mut self, number: u32) -> Option<StoredMessage> {
        self.leave(number);
        self.slots.empty(number)
    }

    /// Drops the entries of messages that are gone, once there are more of them than of the others.
    /// Over time that costs the same for each message.
    fn compact(&mut self) {
        const SLACK: usize = 1_024;
        let Self {
            slots,
            visible,
            arrivals,
            counts,
            ..
        } = self;
        visible.compact(counts.visible, |number| slots.is_visible(number));
        if arrivals.len() > 2 * (counts.visible + counts.in_flight + counts.delayed) + SLACK {
            arrivals.retain(|key| slots.find(*key).is_some());
        }
    }
}

impl MessageCounts {
    fn hidden(&mut self, state: SlotState) -> &mut usize {
        if state == SlotState::Delayed {
            &mut self.delayed
        } else {
            &mut self.in_flight
        }
    }
}

#[cfg(test)]
mod tests;
