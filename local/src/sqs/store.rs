//! The messages of one queue: which are visible, in flight or delayed, and until when. Pure: time is a parameter.
//!
//! Nothing here walks the queue: a send, a receive and a delete cost the same with a thousand messages and with a million.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::clock::Millis;
use crate::sqs::message::Message;
use crate::sqs::store::order::{Groups, Order};

pub(crate) mod deduplication;
pub(crate) mod order;

/// A queue has at most about this many messages in flight.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>
pub(crate) const MAX_IN_FLIGHT: usize = 120_000;

/// The messages of one queue.
#[derive(Debug)]
pub(crate) struct Store {
    slots: Vec<Slot>,
    /// Slots that are empty, to be filled again.
    free: Vec<u32>,
    /// Visible messages, the next to receive first.
    visible: Order,
    /// Messages in flight or delayed, by the time that they become visible.
    asleep: BTreeSet<(Millis, u32)>,
    /// All messages in the order of arrival, for the retention period; slot and generation.
    arrivals: VecDeque<(u32, u32)>,
    counts: Counts,
    /// How many messages were sent to a FIFO queue: where the next one stands in it.
    sequence: u64,
}

/// The approximate numbers in the queue's attributes; here they are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

#[derive(Debug)]
struct Slot {
    /// How often the slot was emptied.
    generation: u32,
    state: State,
    /// When the message wakes, where it is asleep.
    until: Millis,
    /// When the message was last received; 0 where it never was.
    received_at: Millis,
    message: Option<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Visible,
    InFlight,
    Delayed,
}

/// Where a message is: its slot and the slot's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// How a receive takes messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Take {
    pub(crate) at_most: usize,
    pub(crate) visibility: Millis,
    pub(crate) retention: Millis,
    /// A message received so often already is dead.
    pub(crate) max_receives: Option<u32>,
}

/// What a receive took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) received: Vec<(Place, Message)>,
    /// Messages that were received too often, out of this queue now: for the dead-letter queue.
    pub(crate) dead: Vec<Message>,
}

/// What became of a message that a receipt handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// In flight since the receive that the handle is of.
    InFlight,
    /// Visible again, and not received again since.
    Lapsed,
    /// Received again since: a later handle counts now.
    Superseded,
    /// Deleted, expired or moved.
    Gone,
}

impl Store {
    /// An empty store of a standard or a FIFO queue.
    pub(crate) fn new(fifo: bool) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            visible: if fifo {
                Order::Fifo(Groups::default())
            } else {
                Order::Standard(VecDeque::new())
            },
            asleep: BTreeSet::new(),
            arrivals: VecDeque::new(),
            counts: Counts::default(),
            sequence: 0,
        }
    }

    /// Adds a message that becomes visible at `visible_at`; gives its sequence number, which is 0 in a standard queue.
    pub(crate) fn send(&mut self, mut message: Message, now: Millis, visible_at: Millis) -> u64 {
        if let Order::Fifo(_) = self.visible {
            self.sequence += 1;
            Arc::make_mut(message.extra.get_or_insert_default()).sequence = self.sequence;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                state: State::Free,
                until: 0,
                received_at: 0,
                message: None,
            });
            // A slot takes over a hundred bytes, so the memory is full long before the numbers are.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return self.sequence;
        };
        place.message = Some(message);
        place.received_at = 0;
        self.arrivals.push_back((slot, place.generation));
        if visible_at > now {
            self.sleep(slot, State::Delayed, visible_at);
        } else {
            self.show(slot);
        }
        self.compact();
        self.sequence
    }

    /// Takes visible messages, the next ones first.
    pub(crate) fn receive(&mut self, now: Millis, take: Take) -> Taken {
        self.settle(now, take.retention);
        let mut taken = Taken::default();
        while taken.received.len() < take.at_most {
            let Some(slot) = self.visible.pop() else {
                break;
            };
            let Some(place) = self.slots.get_mut(slot as usize) else {
                continue;
            };
            let (State::Visible, Some(message)) = (place.state, &mut place.message) else {
                continue;
            };
            if message.sent_at + take.retention <= now {
                self.free(slot);
                continue;
            }
            if take.max_receives.is_some_and(|max| message.receives >= max) {
                taken.dead.extend(self.free(slot));
                continue;
            }
            message.receives += 1;
            if message.first_received_at == 0 {
                message.first_received_at = now;
            }
            place.received_at = now;
            let generation = place.generation;
            let message = message.clone();
            self.sleep(slot, State::InFlight, now + take.visibility);
            taken.received.push((Place { slot, generation }, message));
        }
        self.visible.end_receive();
        taken
    }

    /// Takes the next visible message out of the queue, without receiving it.
    pub(crate) fn take(&mut self, now: Millis, retention: Millis) -> Option<Message> {
        self.settle(now, retention);
        let slot = loop {
            let slot = self.visible.pop()?;
            if self.slots.get(slot as usize)?.state == State::Visible {
                break slot;
            }
        };
        let message = self.free(slot);
        self.visible.end_receive();
        message
    }

    /// What became of the message that was at `place` when it was received for the `receive`th time.
    pub(crate) fn held(
        &mut self,
        place: Place,
        receive: u32,
        now: Millis,
        retention: Millis,
    ) -> Held {
        self.settle(now, retention);
        match self.slots.get(place.slot as usize) {
            Some(slot) if slot.generation == place.generation => {
                match (&slot.message, slot.state) {
                    (Some(message), _) if message.receives != receive => Held::Superseded,
                    (Some(_), State::InFlight) => Held::InFlight,
                    (Some(_), _) => Held::Lapsed,
                    (None, _) => Held::Gone,
                }
            }
            _ => Held::Gone,
        }
    }

    /// When the message at `place` was last received.
    pub(crate) fn received_at(&self, place: Place) -> Millis {
        self.slots
            .get(place.slot as usize)
            .map_or(0, |slot| slot.received_at)
    }

    /// Takes the message at `place` out of the queue.
    pub(crate) fn delete(&mut self, place: Place) {
        if self.is_at(place) {
            self.free(place.slot);
            self.compact();
        }
    }

    /// Keeps the message at `place` invisible until `until`; visible at once where that is not later than `now`.
    pub(crate) fn hide(&mut self, place: Place, now: Millis, until: Millis) {
        if !self.is_at(place) {
            return;
        }
        self.leave(place.slot);
        if until > now {
            self.sleep(place.slot, State::InFlight, until);
        } else {
            self.show(place.slot);
        }
    }

    /// Empties the queue.
    pub(crate) fn purge(&mut self) {
        let full: Vec<u32> = self.arrivals.drain(..).map(|(slot, _)| slot).collect();
        for slot in full {
            self.free(slot);
        }
        self.compact();
    }

    /// The counts at `now`.
    pub(crate) fn counts(&mut self, now: Millis, retention: Millis) -> Counts {
        self.settle(now, retention);
        self.counts
    }

    /// When the next message wakes, if any is asleep.
    pub(crate) fn next_wake(&self) -> Option<Millis> {
        self.asleep.first().map(|(at, _)| *at)
    }

    /// Wakes what is due, and forgets what is older than the retention period.
    fn settle(&mut self, now: Millis, retention: Millis) {
        while let Some((at, slot)) = self.asleep.first().copied() {
            if at > now {
                break;
            }
            self.leave(slot);
            self.show(slot);
        }
        while let Some((slot, generation)) = self.arrivals.front().copied() {
            let place = self
                .slots
                .get(slot as usize)
                .filter(|at| at.generation == generation);
            let message = place.and_then(|at| at.message.as_ref());
            match message {
                Some(message) if message.sent_at + retention > now => break,
                Some(_) => drop(self.free(slot)),
                None => {}
            }
            self.arrivals.pop_front();
        }
    }

    fn is_at(&self, place: Place) -> bool {
        self.slots
            .get(place.slot as usize)
            .is_some_and(|slot| slot.generation == place.generation && slot.message.is_some())
    }

    /// Puts a message that is nowhere among the visible ones.
    fn show(&mut self, slot: u32) {
        if let Some(place) = self.slots.get_mut(slot as usize)
            && let Some(message) = &place.message
        {
            place.state = State::Visible;
            self.counts.visible += 1;
            self.visible.push(slot, message);
        }
    }

    /// Puts a message that is nowhere, or just taken from `visible`, among those asleep.
    fn sleep(&mut self, slot: u32, state: State, until: Millis) {
        if let Some(place) = self.slots.get_mut(slot as usize)
            && let Some(message) = &place.message
        {
            if place.state == State::Visible {
                self.counts.visible -= 1;
            }
            if state == State::InFlight {
                self.visible.hold(message);
            }
            place.state = state;
            place.until = until;
            *self.counts.asleep(state) += 1;
            self.asleep.insert((until, slot));
        }
    }

    /// Takes a message from wherever it is; where it goes next is the caller's.
    fn leave(&mut self, slot: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let Some(message) = &place.message else {
            return;
        };
        match place.state {
            State::Free => {}
            State::Visible => {
                self.counts.visible -= 1;
                self.visible.remove(message);
            }
            state => {
                *self.counts.asleep(state) -= 1;
                self.asleep.remove(&(place.until, slot));
                if state == State::InFlight {
                    self.visible.release(message);
                }
            }
        }
        place.state = State::Free;
    }

    /// Empties a slot, and gives out what was in it.
    fn free(&mut self, slot: u32) -> Option<Message> {
        self.leave(slot);
        let place = self.slots.get_mut(slot as usize)?;
        let message = place.message.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        Some(message)
    }

    /// Drops what is stale in the two lines once it outweighs what is not: over time, a constant cost for each message.
    fn compact(&mut self) {
        const SLACK: usize = 1_024;
        let Self {
            slots,
            visible,
            arrivals,
            counts,
            ..
        } = self;
        visible.compact(counts.visible, |slot| {
            slots
                .get(slot as usize)
                .is_some_and(|place| place.state == State::Visible)
        });
        if arrivals.len() > 2 * (counts.visible + counts.in_flight + counts.delayed) + SLACK {
            arrivals.retain(|(slot, generation)| {
                slots
                    .get(*slot as usize)
                    .is_some_and(|place| place.generation == *generation && place.message.is_some())
            });
        }
    }
}

impl Counts {
    fn asleep(&mut self, state: State) -> &mut usize {
        if state == State::Delayed {
            &mut self.delayed
        } else {
            &mut self.in_flight
        }
    }
}

#[cfg(test)]
mod tests;
