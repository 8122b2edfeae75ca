//! The length of a text as LINE counts it, and the digest that names a text.

use sha2::{Digest as _, Sha256};

/// The first 128 bits of a SHA-256.
pub(crate) type Digest128 = [u8; 16];

/// The digest of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest128 {
    let mut digest = Digest128::default();
    for (to, from) in digest.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    digest
}

/// LINE counts a text in UTF-16 code units.
/// <https://developers.line.biz/en/docs/messaging-api/text-character-count/>
pub(crate) fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}
