//! What KMS says about a key.

use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType};

/// What KMS says about a key, in KMS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// Its state, such as `Enabled` or `PendingDeletion`.
    pub state: String,
    /// What it is for, such as `ENCRYPT_DECRYPT`.
    pub usage: String,
    /// What it is made of, such as `SYMMETRIC_DEFAULT`.
    pub spec: String,
}

impl KeyDescription {
    /// Whether data keys can be made and opened with such a key, once it is enabled.
    pub fn is_fit(&self) -> bool {
        self.usage == KeyUsageType::EncryptDecrypt.as_str()
            && self.spec == KeySpec::SymmetricDefault.as_str()
    }

    /// Whether it can be used now.
    pub fn is_enabled(&self) -> bool {
        self.state == KeyState::Enabled.as_str()
    }
}

impl From<&KeyMetadata> for KeyDescription {
    fn from(key: &KeyMetadata) -> Self {
        let text = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        Self {
            state: text(key.key_state().map(KeyState::as_str)),
            usage: text(key.key_usage().map(KeyUsageType::as_str)),
            spec: text(key.key_spec().map(KeySpec::as_str)),
        }
    }
}
