//! One KMS key and its versions. Pure, but for random numbers.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use rand::RngExt as _;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What an encryption context is: names and values.
pub(crate) type Context = BTreeMap<String, String>;

const NONCE_LEN: usize = 12;
const ID_LEN: usize = 16;
const HEADER_LEN: usize = ID_LEN + 4;
/// KMS's own ciphertext of a data key is as long: nothing fits here that would not fit there.
const CIPHERTEXT_LEN: usize = 184;

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Uuid,
    secret: [u8; 32],
    version: u32,
}

impl Key {
    /// The key that a secret makes.
    pub(crate) fn new(secret: Option<[u8; 32]>) -> Self {
        let secret = secret.unwrap_or_else(|| rand::rng().random());
        let id: [u8; 32] = Sha256::digest(secret).into();
        let mut name = [0; ID_LEN];
        name.iter_mut().zip(id).for_each(|(to, from)| *to = from);
        Self {
            id: Uuid::from_bytes(name),
            secret,
            version: 1,
        }
    }

    /// The key's ARN.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:us-east-1:000000000000:key/{}", self.id)
    }

    /// From now on a new version encrypts.
    pub(crate) fn rotate(&mut self) {
        self.version += 1;
    }

    /// The key that a ciphertext names.
    pub(crate) fn id_of(ciphertext: &[u8]) -> Option<Uuid> {
        Uuid::from_slice(ciphertext.get(..ID_LEN)?).ok()
    }

    /// Encrypts a data key: the key's name, its version, the nonce, and the rest sealed.
    #[expect(clippy::expect_used, reason = "its proof stands beside it")]
    pub(crate) fn encrypt(&self, data_key: &[u8], context: &Context) -> Vec<u8> {
        let mut sealed = data_key.to_vec();
        // Filled up to the length that KMS's own ciphertexts have.
        sealed.resize(CIPHERTEXT_LEN - HEADER_LEN - NONCE_LEN - 16, 0);
        let nonce = self
            .version(self.version)
            .seal_in_place_append_tag(Aad::from(bytes(context)), &mut sealed)
            .expect("a data key is not too long for AES-GCM");
        let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
        [
            self.id.as_bytes(),
            self.version.to_be_bytes().as_slice(),
            nonce,
            &sealed,
        ]
        .concat()
    }

    /// The data key in a ciphertext. `None`: it is none of this key's, or not with this context.
    pub(crate) fn decrypt(&self, ciphertext: &[u8], context: &Context) -> Option<Vec<u8>> {
        let (header, rest) = ciphertext.split_at_checked(HEADER_LEN)?;
        let version = u32::from_be_bytes(header.get(ID_LEN..)?.try_into().ok()?);
        if !(1..=self.version).contains(&version) {
            return None;
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self
            .version(version)
            .open_in_place(nonce, Aad::from(bytes(context)), &mut sealed)
            .ok()?;
        Some(opened.get(..32)?.to_vec())
    }

    #[expect(clippy::expect_used, reason = "its proof stands beside it")]
    fn version(&self, version: u32) -> RandomizedNonceKey {
        let key = Sha256::new()
            .chain_update(self.secret)
            .chain_update(version.to_be_bytes())
            .finalize();
        RandomizedNonceKey::new(&AES_256_GCM, &key).expect("a SHA-256 has 32 bytes")
    }
}

fn bytes(context: &Context) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}
