//! Receipt handles: which message, and which receive of it, a caller means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::sqs::refusal::Refusal;

/// A receipt handle, decoded. To callers it is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    /// The queue that gave it out.
    pub(crate) queue: u32,
    /// The place in the store.
    pub(crate) slot: u32,
    /// How often that place had been emptied: tells the message from a later one in the same place.
    pub(crate) generation: u32,
    /// Which receive of the message.
    pub(crate) receive: u32,
}

impl Handle {
    /// The handle as text.
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; 20];
        for (bytes, part) in bytes.chunks_exact_mut(4).zip([
            self.queue,
            self.slot,
            self.generation,
            self.receive,
            self.check(),
        ]) {
            bytes.copy_from_slice(&part.to_be_bytes());
        }
        BASE64.encode(bytes)
    }

    /// Reads a handle that `queue` gave out.
    pub(crate) fn decode(text: &str, queue: u32) -> Result<Self, Refusal> {
        Self::read(text)
            .filter(|handle| handle.queue == queue)
            .ok_or_else(|| Refusal::ReceiptHandleIsInvalid(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = BASE64.decode(text).ok()?.try_into().ok()?;
        let [queue, slot, generation, receive, check] = bytes.as_chunks().0 else {
            return None;
        };
        let handle = Self {
            queue: u32::from_be_bytes(*queue),
            slot: u32::from_be_bytes(*slot),
            generation: u32::from_be_bytes(*generation),
            receive: u32::from_be_bytes(*receive),
        };
        (handle.check() == u32::from_be_bytes(*check)).then_some(handle)
    }

    /// Tells a handle from twenty other bytes.
    fn check(self) -> u32 {
        [self.slot, self.generation, self.receive]
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
    fn a_handle_reads_back_and_nothing_else_does() {
        let handle = Handle {
            queue: 7,
            slot: 1,
            generation: 2,
            receive: 3,
        };
        let text = handle.encode();
        assert_eq!(Handle::decode(&text, 7), Ok(handle));
        for (bad, queue) in [
            (text.as_str(), 8),
            ("", 7),
            ("not a handle", 7),
            (&text[1..], 7),
        ] {
            assert_eq!(
                Handle::decode(bad, queue),
                Err(Refusal::ReceiptHandleIsInvalid(bad.to_owned()))
            );
        }
        let mut changed = text.into_bytes();
        changed[6] ^= 1;
        assert!(Handle::decode(std::str::from_utf8(&changed).unwrap(), 7).is_err());
    }
}
