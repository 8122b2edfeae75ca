//! Opens queue messages, with the data keys that it knows.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::body::{BodyError, SealedBody};
use crate::cache::{Cache, MAX_AGE};
use crate::key_fault::{KeyError, KeyFault, KeyUse};
use crate::key_service::KeyService;
use crate::slice_key::{ForgedError, SliceKey};

/// After a fault that a person has to repair, KMS is asked again after this time.
const BETWEEN_PROBES: SignedDuration = SignedDuration::from_secs(10);
/// The same after a fault that passes. The SDK has asked three times before.
const BETWEEN_RETRIES: SignedDuration = SignedDuration::from_secs(2);
/// So long it is remembered that a data key does not open.
const MAX_REFUSED_AGE: SignedDuration = SignedDuration::from_mins(1);

/// What a message's data key is known by.
type KeyId = (String, String, Vec<u8>);

/// Opens queue messages with the data keys that KMS decrypts for it.
///
/// Each data key is asked for once, and known for five minutes. While KMS refuses the key or does
/// not answer, one message asks now and then, and all others get the same answer.
pub struct Opener {
    service: KeyService,
    keys: Mutex<Cache<KeyId, Result<Arc<SliceKey>, KeyError>>>,
    held: Mutex<Option<Held>>,
    /// Only one request is made at a time: a batch whose messages have one key asks once.
    asking: AsyncMutex<()>,
}

/// KMS gives no data key now.
#[derive(Debug, Clone)]
struct Held {
    error: KeyError,
    next_probe: Timestamp,
}

/// An opened queue message.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The delivery in plain text.
    pub body: String,
    /// The data key. It seals what goes back to a queue.
    pub key: Arc<SliceKey>,
}

/// Why a queue message was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not sealed: anybody may have written it.
    #[error("the delivery is not sealed, and here only sealed ones are sent")]
    NotSealed,
    /// It is not what the producer sealed: it was changed, or comes from another run.
    #[error("the delivery is not what the producer sealed: it was changed or moved")]
    Forged,
    /// It has a form that this build does not know.
    #[error("the delivery is sealed in form {0}; this build opens form 1")]
    Form(u64),
    /// There is no data key for it now.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl OpenError {
    /// Whether no other message opens either, until a person or KMS has done something.
    pub fn is_of_all(&self) -> bool {
        matches!(self, Self::Key(error) if !error.fault.is_of_one_message())
    }
}

impl From<BodyError> for OpenError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NotSealed => Self::NotSealed,
            BodyError::Damaged => Self::Forged,
            BodyError::Form(form) => Self::Form(form),
        }
    }
}

impl From<ForgedError> for OpenError {
    fn from(_: ForgedError) -> Self {
        Self::Forged
    }
}

impl Opener {
    /// Opens what was sealed with this key.
    pub fn new(service: KeyService) -> Self {
        Self {
            service,
            keys: Mutex::default(),
            held: Mutex::default(),
            asking: AsyncMutex::default(),
        }
    }

    /// Opens the body of a queue message.
    pub async fn open(&self, body: &str, now: Timestamp) -> Result<Opened, OpenError> {
        let sealed = SealedBody::parse(body)?;
        let key = self.key(&sealed, now).await.map_err(|error| {
            if error.fault == KeyFault::Forged {
                OpenError::Forged
            } else {
                error.into()
            }
        })?;
        Ok(Opened {
            body: key.open(&sealed)?,
            key,
        })
    }

    /// The error of a message for which there was no time to ask KMS.
    pub fn out_of_time(&self) -> OpenError {
        OpenError::Key(KeyError {
            fault: KeyFault::Unavailable,
            wanted: KeyUse::Open,
            key: self.service.key().to_string(),
            words: "there was no answer in time".into(),
        })
    }

    /// When KMS is asked again. `None`: it gives data keys, as far as is known.
    pub fn next_probe(&self) -> Option<Timestamp> {
        self.held.lock().as_ref().map(|held| held.next_probe)
    }

    async fn key(&self, sealed: &SealedBody, now: Timestamp) -> Result<Arc<SliceKey>, KeyError> {
        let SealedBody {
            run, slice, key, ..
        } = sealed;
        let id = (run.clone(), slice.clone(), key.clone());
        if let Some(known) = self.known(&id, now) {
            return known;
        }
        let _asking = self.asking.lock().await;
        // Another message may have asked while this one waited.
        if let Some(known) = self.known(&id, now) {
            return known;
        }
        let answer = self.service.open(sealed).await.map(Arc::new);
        self.note(&answer, now);
        let age = match &answer {
            Ok(_) => Some(MAX_AGE),
            Err(error) => error.fault.is_of_one_message().then_some(MAX_REFUSED_AGE),
        };
        if let Some(age) = age {
            self.keys.lock().put(id, answer.clone(), age, now);
        }
        answer
    }

    /// What is known of a data key, or why there is none to be had now.
    fn known(&self, id: &KeyId, now: Timestamp) -> Option<Result<Arc<SliceKey>, KeyError>> {
        if let Some(known) = self.keys.lock().get(id, now) {
            return Some(known);
        }
        let held = self.held.lock();
        let held = held.as_ref().filter(|held| now < held.next_probe)?;
        Some(Err(held.error.clone()))
    }

    /// Takes note of an answer: a fault of the key is every message's.
    fn note(&self, answer: &Result<Arc<SliceKey>, KeyError>, now: Timestamp) {
        let mut held = self.held.lock();
        let began = held.is_none();
        let error = answer.as_ref().err();
        let Some(error) = error.filter(|error| !error.fault.is_of_one_message()) else {
            if held.take().is_some() {
                tracing::info!("sealed deliveries are opened again");
            }
            return;
        };
        let wait = if error.fault.may_pass() {
            BETWEEN_RETRIES
        } else {
            BETWEEN_PROBES
        };
        *held = Some(Held {
            error: error.clone(),
            next_probe: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        });
        if began {
            tracing::error!(%error, "sealed deliveries wait");
        }
    }
}
