//! KMS: it makes the data keys of slices, and opens them again.

use std::collections::HashMap;
use std::error::Error;

use aws_config::{Region, SdkConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use fanline_telemetry::aws_error::{status, words};
use zeroize::Zeroizing;

use crate::body::SealedBody;
use crate::key_arn::KeyArn;
use crate::key_description::KeyDescription;
use crate::key_fault::{KeyError, KeyFault, KeyUse};
use crate::slice_key::SliceKey;

/// The encryption context has the run under this name. The rights in the template name it too.
pub const RUN_KEY: &str = "fanline-run";
/// The same for the slice.
pub const SLICE_KEY: &str = "fanline-slice";

/// The run and the slice of a data key that seals nothing.
const PROOF: (&str, &str) = ("fanline-proof", "1");

/// A KMS key.
#[derive(Debug, Clone)]
pub struct KeyService {
    client: Client,
    key: KeyArn,
}

impl KeyService {
    /// The key with this ARN, in its own Region. Credentials and endpoints are the SDK's.
    pub fn new(config: &SdkConfig, key: KeyArn) -> Self {
        let region = Region::new(key.region().to_owned());
        let config = aws_sdk_kms::config::Builder::from(config).region(region);
        Self {
            client: Client::from_conf(config.build()),
            key,
        }
    }

    /// The key's ARN.
    pub fn key(&self) -> &KeyArn {
        &self.key
    }

    /// A new data key for a slice of this run. Only with the same names of both does KMS open it.
    pub async fn generate(&self, run: &str, slice: &str) -> Result<SliceKey, KeyError> {
        let request = self
            .client
            .generate_data_key()
            .key_id(self.key.as_str())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(context(run, slice)));
        let answer = request
            .send()
            .await
            .map_err(|error| self.error(KeyUse::Seal, &error))?;
        let encrypted = answer.ciphertext_blob.map(Blob::into_inner);
        self.slice_key(
            KeyUse::Seal,
            (run, slice),
            answer.plaintext,
            encrypted.unwrap_or_default(),
        )
    }

    /// The data key that a sealed queue message names.
    pub async fn open(&self, body: &SealedBody) -> Result<SliceKey, KeyError> {
        self.decrypt(&body.run, &body.slice, body.key.clone()).await
    }

    /// Makes a data key that seals nothing, and opens it: so both rights are there, and the key
    /// can be used.
    pub async fn prove(&self) -> Result<(), KeyError> {
        let (run, slice) = PROOF;
        let key = self.generate(run, slice).await?;
        let opened = self.decrypt(run, slice, key.encrypted().to_vec()).await;
        opened.map(drop)
    }

    async fn decrypt(
        &self,
        run: &str,
        slice: &str,
        encrypted: Vec<u8>,
    ) -> Result<SliceKey, KeyError> {
        let request = self
            .client
            .decrypt()
            .key_id(self.key.as_str())
            .ciphertext_blob(Blob::new(encrypted.clone()))
            .set_encryption_context(Some(context(run, slice)));
        let answer = request
            .send()
            .await
            .map_err(|error| self.error(KeyUse::Open, &error))?;
        self.slice_key(KeyUse::Open, (run, slice), answer.plaintext, encrypted)
    }

    /// What KMS says about the key. It needs `kms:DescribeKey`, which no function has.
    pub async fn describe(&self) -> Result<KeyDescription, KeyError> {
        let request = self.client.describe_key().key_id(self.key.as_str());
        let answer = request
            .send()
            .await
            .map_err(|error| self.error(KeyUse::Describe, &error))?;
        let described = answer.key_metadata().map(KeyDescription::from);
        described.ok_or_else(|| KeyError {
            fault: KeyFault::Unavailable,
            wanted: KeyUse::Describe,
            key: self.key.to_string(),
            words: "the answer does not describe the key".into(),
        })
    }

    fn slice_key(
        &self,
        wanted: KeyUse,
        (run, slice): (&str, &str),
        plain: Option<Blob>,
        encrypted: Vec<u8>,
    ) -> Result<SliceKey, KeyError> {
        let plain = Zeroizing::new(plain.map(Blob::into_inner).unwrap_or_default());
        SliceKey::new(run, slice, &plain, encrypted).ok_or_else(|| KeyError {
            fault: KeyFault::Unavailable,
            wanted,
            key: self.key.to_string(),
            words: "the answer has no data key of 256 bits".into(),
        })
    }

    fn error<E>(&self, wanted: KeyUse, error: &SdkError<E>) -> KeyError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        KeyError {
            fault: KeyFault::of(error.code(), status(error)),
            wanted,
            key: self.key.to_string(),
            words: words(error),
        }
    }
}

fn context(run: &str, slice: &str) -> HashMap<String, String> {
    [(RUN_KEY, run), (SLICE_KEY, slice)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
