//! What stands for a recipient in the log, and in the ledger's rolls.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

/// Eight bytes of a keyed hash of a recipient, written as sixteen hexadecimal digits.
///
/// Whoever has the key and an ID finds the person; nobody finds the ID from the digits, as they
/// could from a plain hash. Of ten million people two share a fingerprint with a chance of 3 in a
/// million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// Makes fingerprints with one key: `LOG_HASH_KEY`, or the run's name where that is not set.
#[derive(Clone)]
pub struct Fingerprinter(Hmac<Sha256>);

impl Fingerprinter {
    /// Fingerprints with this key.
    pub fn new(key: &str) -> Self {
        match Hmac::new_from_slice(key.as_bytes()) {
            Ok(mac) => Self(mac),
            Err(never) => unreachable!("HMAC takes a key of any length: {never}"),
        }
    }

    /// The fingerprint of a recipient: its ID or token, as the list names it.
    pub fn of(&self, recipient: &str) -> Fingerprint {
        let mut mac = self.0.clone();
        mac.update(recipient.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let first = digest.iter().take(8);
        Fingerprint(first.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.debug_struct("Fingerprinter").finish_non_exhaustive()
    }
}

impl Fingerprint {
    /// The fingerprint as a number, evenly spread.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The fingerprint as it stands in a roll.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads what [`Fingerprint::to_bytes`] wrote.
    pub fn of_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not sixteen hexadecimal digits")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(Self).ok_or(FingerprintError)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_keyed_steady_and_the_one_of_the_log() {
        let user = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";
        let one = Fingerprinter::new("run").of(user);
        assert_eq!(one, Fingerprinter::new("run").of(user));
        assert_ne!(one, Fingerprinter::new("other").of(user));
        assert_ne!(one, Fingerprinter::new("run").of("U4"));
        assert_ne!(one, Fingerprinter::new("run").of(&user.replace("fa", "fb")));
        assert_eq!(one.to_string().len(), 16);
        // What the consumer's log has written since its first version.
        assert_eq!(one.to_string(), "b0e63de089be1b0f");
        assert_eq!("b0e63de089be1b0f".parse(), Ok(one));
        for nonsense in ["", "+123456789abcdef", "0123456789abcdef0", "xyz"] {
            assert_eq!(nonsense.parse::<Fingerprint>(), Err(FingerprintError));
        }
    }
}
