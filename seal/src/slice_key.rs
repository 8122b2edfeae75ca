//! The data key of one slice.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::body::{
    BodyWriter, Label, MAX_KEY_LEN, NONCE_LEN, SealedBody, TAG_LEN, associated_data,
};

/// The length of a key of AES-256-GCM.
pub(crate) const KEY_LEN: usize = 32;

/// How long KMS's encrypted data keys of 256 bits are. It is nowhere promised, so nothing but a
/// measure depends on it.
const USUAL_KEY_LEN: usize = 184;

/// The data key of one slice of a run: it seals deliveries of the slice, and opens them.
///
/// Each delivery gets a new random nonce of 96 bits. Under one key two nonces may be equal with a
/// chance of 2⁻³² after 2³² deliveries (NIST SP 800-38D, section 8.3). A slice of ten million
/// deliveries that are all written twelve times makes 2²⁷: then the chance is 2⁻⁴³.
///
/// The key's bytes are erased from the memory when the value is dropped.
pub struct SliceKey {
    run: String,
    slice: String,
    encrypted: Vec<u8>,
    key: RandomizedNonceKey,
    writer: BodyWriter,
}

/// A sealed delivery does not open: it is not what the producer sealed with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed body is not what was sealed: it was changed, or moved to another place")]
pub struct ForgedError;

impl SliceKey {
    /// The key of this run and slice. `encrypted` is the same key as KMS encrypted it. `None`: the
    /// key is not 256 bits long, or the encrypted key is too long for a queue message.
    pub fn new(
        run: &str,
        slice: &str,
        plain: &Zeroizing<Vec<u8>>,
        encrypted: Vec<u8>,
    ) -> Option<Self> {
        if plain.len() != KEY_LEN || encrypted.len() > MAX_KEY_LEN {
            return None;
        }
        Some(Self {
            run: run.to_owned(),
            slice: slice.to_owned(),
            key: RandomizedNonceKey::new(&AES_256_GCM, plain).ok()?,
            writer: BodyWriter::new(run, slice, &encrypted),
            encrypted,
        })
    }

    /// A key to measure with. Its messages are as long as real ones, and nobody opens them: KMS
    /// does not know it.
    ///
    /// # Panics
    /// If the operating system has no random numbers.
    #[expect(
        clippy::expect_used,
        reason = "the key has the length that it must have, and a process needs random numbers"
    )]
    pub fn to_measure(run: &str, slice: &str) -> Self {
        let mut plain = Zeroizing::new(vec![0; KEY_LEN]);
        rand::fill(&mut plain).expect("the operating system has random numbers");
        Self::new(run, slice, &plain, vec![0; USUAL_KEY_LEN]).expect("the key has 256 bits")
    }

    /// The run that it is bound to.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The key itself, as KMS encrypted it.
    pub(crate) fn encrypted(&self) -> &[u8] {
        &self.encrypted
    }

    /// The sealed queue message of this delivery.
    ///
    /// # Panics
    /// If the operating system has no random numbers.
    #[expect(
        clippy::expect_used,
        reason = "AES-GCM seals up to 64 GiB, and a process without random numbers can't go on"
    )]
    pub fn seal(&self, plain: &str, label: Label<'_>) -> String {
        let data = associated_data(&self.run, &self.slice, label, &self.encrypted);
        let mut bytes = Vec::with_capacity(plain.len() + TAG_LEN);
        bytes.extend_from_slice(plain.as_bytes());
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(&data), &mut bytes)
            .expect("a delivery is not too long for AES-GCM");
        let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
        self.writer.write(label, nonce, &bytes)
    }

    /// The exact length of [`SliceKey::seal`] for a delivery of this length.
    pub fn sealed_len(&self, plain: usize, label: Label<'_>) -> usize {
        self.writer.written_len(label, plain + TAG_LEN)
    }

    /// The delivery in a sealed queue message. Its header must be what it was sealed with.
    pub fn open(&self, body: &SealedBody) -> Result<String, ForgedError> {
        let SealedBody { run, slice, .. } = body;
        if (run, slice) != (&self.run, &self.slice) || body.key != self.encrypted {
            return Err(ForgedError);
        }
        let data = associated_data(run, slice, body.label(), &body.key);
        let nonce = Nonce::assume_unique_for_key(body.nonce);
        let mut bytes = body.sealed.clone();
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(&data), &mut bytes)
            .map_err(|_| ForgedError)?;
        let length = opened.len();
        bytes.truncate(length);
        String::from_utf8(bytes).map_err(|_| ForgedError)
    }
}

impl fmt::Debug for SliceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, slice, .. } = self;
        f.debug_struct("SliceKey")
            .field("run", run)
            .field("slice", slice)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
