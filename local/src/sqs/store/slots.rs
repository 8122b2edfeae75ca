//! The slots that hold the messages of a queue. An empty slot is filled again.

use crate::clock::Millis;
use crate::sqs::message::StoredMessage;

/// All slots of a queue, by number.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    /// The numbers of the empty slots.
    empty: Vec<u32>,
}

/// A message, its state, and how often its slot was emptied.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) state: SlotState,
    /// When a message in flight or delayed becomes visible.
    pub(crate) until: Millis,
    /// When the message was last received; 0 before the first receive.
    pub(crate) received_at: Millis,
    pub(crate) message: Option<StoredMessage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Without a message, or with one that is between two states.
    Idle,
    Visible,
    InFlight,
    Delayed,
}

/// Names a message: its slot, and how often the slot was emptied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Slots {
    /// Puts a message in an empty slot. Its state is [`SlotState::Idle`].
    pub(crate) fn insert(&mut self, message: StoredMessage) -> SlotKey {
        // A slot takes over a hundred bytes, so the memory is full long before the numbers are.
        let next = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let number = self.empty.pop().unwrap_or(next);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.received_at = 0;
            slot.message = Some(message);
            return SlotKey {
                slot: number,
                generation: slot.generation,
            };
        }
        self.slots.push(Slot {
            generation: 0,
            state: SlotState::Idle,
            until: 0,
            received_at: 0,
            message: Some(message),
        });
        SlotKey {
            slot: number,
            generation: 0,
        }
    }

    /// The slot with this number.
    pub(crate) fn get(&self, number: u32) -> Option<&Slot> {
        self.slots.get(number as usize)
    }

    /// The slot with this number.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(number as usize)
    }

    /// The slot and the message that the key names, if the message is still there.
    pub(crate) fn find(&self, key: SlotKey) -> Option<(&Slot, &StoredMessage)> {
        let slot = self
            .get(key.slot)
            .filter(|slot| slot.generation == key.generation)?;
        Some((slot, slot.message.as_ref()?))
    }

    /// Whether the message in this slot is visible.
    pub(crate) fn is_visible(&self, number: u32) -> bool {
        self.get(number)
            .is_some_and(|slot| slot.state == SlotState::Visible)
    }

    /// Empties a slot and gives its message.
    pub(crate) fn empty(&mut self, number: u32) -> Option<StoredMessage> {
        let slot = self.get_mut(number)?;
        let message = slot.message.take()?;
        slot.state = SlotState::Idle;
        slot.generation = slot.generation.wrapping_add(1);
        self.empty.push(number);
        Some(message)
    }
}
