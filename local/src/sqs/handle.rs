//! Receipt handles: they name a message and a receive of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::sqs::refusal::Refusal;
use crate::sqs::store::slots::SlotKey;

/// A receipt handle, decoded. For callers it is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptHandle {
    /// The number of the queue that gave it out.
    pub(crate) queue: u32,
    /// The message in the store.
    pub(crate) key: SlotKey,
    /// The number of the receive.
    pub(crate) receive: u32,
}

impl ReceiptHandle {
    /// The handle as text.
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; 20];
        for (bytes, part) in bytes.chunks_exact_mut(4).zip([
            self.queue,
            self.key.slot,
            self.key.generation,
            self.receive,
            self.checksum(),
        ]) {
            bytes.copy_from_slice(&part.to_be_bytes());
        }
        BASE64.encode(bytes)
    }

    /// Reads a handle of the queue with the number `queue`.
    pub(crate) fn decode(text: &str, queue: u32) -> Result<Self, Refusal> {
        Self::read(text)
            .filter(|handle| handle.queue == queue)
            .ok_or_else(|| Refusal::ReceiptHandleIsInvalid(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = BASE64.decode(text).ok()?.try_into().ok()?;
        let [queue, slot, generation, receive, checksum] = bytes.as_chunks().0 else {
            return None;
        };
        let handle = Self {
            queue: u32::from_be_bytes(*queue),
            key: SlotKey {
                slot: u32::from_be_bytes(*slot),
                generation: u32::from_be_bytes(*generation),
            },
            receive: u32::from_be_bytes(*receive),
        };
        (handle.checksum() == u32::from_be_bytes(*checksum)).then_some(handle)
    }

    /// Tells a handle from other bytes of the same length.
    fn checksum(self) -> u32 {
        [self.key.slot, self.key.generation, self.receive]
            .iter()
            .fold(self.queue ^ 0x5EED_F00D, |hash, part| {
                (hash ^ part).wrapping_mul(0x0100_0193).rotate_left(5)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_handle_of_the_same_queue_is_read() {
        let handle = ReceiptHandle {
            queue: 7,
            key: SlotKey {
                slot: 1,
                generation: 2,
            },
            receive: 3,
        };
        let text = handle.encode();
        assert_eq!(ReceiptHandle::decode(&text, 7), Ok(handle));
        for (bad, queue) in [
            (text.as_str(), 8),
            ("", 7),
            ("not a handle", 7),
            (&text[1..], 7),
        ] {
            assert_eq!(
                ReceiptHandle::decode(bad, queue),
                Err(Refusal::ReceiptHandleIsInvalid(bad.to_owned()))
            );
        }
        let mut changed = text.into_bytes();
        changed[6] ^= 1;
        assert!(ReceiptHandle::decode(std::str::from_utf8(&changed).unwrap(), 7).is_err());
    }
}
