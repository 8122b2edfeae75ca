//! The keys of the stand-in for KMS, and what is asked of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kms::fault::{Described, HEALTHY, KmsFault, Refusal};
use crate::kms::key::{Context, Key};

/// The keys.
#[derive(Debug, Default)]
pub(crate) struct Account {
    keys: Vec<Key>,
    pub(crate) fault: Option<KmsFault>,
    pub(crate) counts: KmsCounts,
}

/// What was requested so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KmsCounts {
    /// `GenerateDataKey`.
    pub generate_data_key: u64,
    /// `Decrypt`.
    pub decrypt: u64,
    /// `DescribeKey`.
    pub describe_key: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeKey {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GenerateDataKey {
    key_id: String,
    key_spec: String,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Decrypt {
    key_id: Option<String>,
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: Context,
}

impl Account {
    /// Makes a key from a secret. Returns its ARN.
    pub(crate) fn create_key(&mut self, secret: Option<[u8; 32]>) -> String {
        let key = Key::new(secret);
        let arn = key.arn();
        self.keys.push(key);
        arn
    }

    /// Gives every key a new version.
    pub(crate) fn rotate(&mut self) {
        self.keys.iter_mut().for_each(Key::rotate);
    }

    /// The answer to a request. `None`: there is none.
    pub(crate) fn answer(&mut self, action: &str, body: &[u8]) -> Option<Result<Value, Refusal>> {
        match action {
            "GenerateDataKey" => self.counts.generate_data_key += 1,
            "Decrypt" => self.counts.decrypt += 1,
            "DescribeKey" => self.counts.describe_key += 1,
            _ => {
                let message = format!("the action `{action}` is not known here");
                return Some(Err(Refusal::new("UnknownOperationException", message)));
            }
        }
        let description = self.fault.map_or(Some(HEALTHY), KmsFault::described);
        if let (Some(described), "DescribeKey") = (description, action) {
            return Some(read(body).and_then(|request| self.describe(&request, described)));
        }
        if let Some(fault) = self.fault {
            let key = self.keys.first().map(Key::arn).unwrap_or_default();
            return fault.refusal(action, &key).map(Err);
        }
        Some(match action {
            "GenerateDataKey" => read(body).and_then(|request| self.generate(&request)),
            _ => read(body).and_then(|request| self.decrypt(&request)),
        })
    }

    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
    fn describe(&self, request: &DescribeKey, described: Described) -> Result<Value, Refusal> {
        let key = self.key(&request.key_id)?;
        Ok(json!({
            "KeyMetadata": {
                "Arn": key.arn(),
                "KeyId": key.id,
                "Enabled": described.state == "Enabled",
                "KeyState": described.state,
                "KeyUsage": described.usage,
                "KeySpec": described.spec,
            }
        }))
    }

    fn generate(&self, request: &GenerateDataKey) -> Result<Value, Refusal> {
        if request.key_spec != "AES_256" {
            let message = format!("the key spec `{}` is not known here", request.key_spec);
            return Err(Refusal::new("ValidationException", message));
        }
        let key = self.key(&request.key_id)?;
        let data_key: [u8; 32] = rand::rng().random();
        let encrypted = key.encrypt(&data_key, &request.encryption_context);
        Ok(json!({
            "KeyId": key.arn(),
            "Plaintext": BASE64.encode(data_key),
            "CiphertextBlob": BASE64.encode(encrypted),
        }))
    }

    fn decrypt(&self, request: &Decrypt) -> Result<Value, Refusal> {
        let encrypted = BASE64.decode(&request.ciphertext_blob);
        let encrypted =
            encrypted.map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
        let wanted = request.key_id.as_deref().map(|id| self.key(id));
        let wanted = wanted.transpose()?;
        let named = Key::id_of(&encrypted);
        let key = self.keys.iter().find(|key| Some(key.id) == named);
        let key = key.ok_or_else(Refusal::invalid_ciphertext)?;
        if wanted.is_some_and(|wanted| wanted.id != key.id) {
            let message = "The key ID in the request does not identify a CMK that can perform \
                           this operation.";
            return Err(Refusal::new("IncorrectKeyException", message));
        }
        let data_key = key
            .decrypt(&encrypted, &request.encryption_context)
            .ok_or_else(Refusal::invalid_ciphertext)?;
        Ok(json!({
            "KeyId": key.arn(),
            "Plaintext": BASE64.encode(data_key),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    /// The key with this ARN or ID.
    fn key(&self, id: &str) -> Result<&Key, Refusal> {
        let is_it = |key: &&Key| key.arn() == id || key.id.to_string() == id;
        let key = self.keys.iter().find(is_it);
        key.ok_or_else(|| Refusal::not_found(id))
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new("SerializationException", error.to_string()))
}
