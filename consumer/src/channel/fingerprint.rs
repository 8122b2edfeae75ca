//! What stands for a recipient in the log.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Sixteen hexadecimal digits of a keyed hash: the same recipient can be followed through the log by whoever has the key
/// and the ID, and the ID can't be found from the digits, as it could from a plain hash of so small a space.
pub(crate) fn fingerprint(key: &str, recipient: &str) -> String {
    let digest = match Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        Ok(mac) => mac.chain_update(recipient).finalize().into_bytes(),
        Err(never) => unreachable!("HMAC takes a key of any length: {never}"),
    };
    digest
        .iter()
        .take(8)
        .fold(String::with_capacity(16), |digits, byte| {
            digits + &format!("{byte:02x}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_short_keyed_and_steady() {
        let one = fingerprint("run", "U4af4980629f0c1d2e3f4a5b6c7d8e9fa");
        assert_eq!(one.len(), 16);
        assert_eq!(one, fingerprint("run", "U4af4980629f0c1d2e3f4a5b6c7d8e9fa"));
        assert_ne!(
            one,
            fingerprint("other", "U4af4980629f0c1d2e3f4a5b6c7d8e9fa")
        );
        assert_ne!(one, fingerprint("run", "U4af4980629f0c1d2e3f4a5b6c7d8e9fb"));
    }
}
