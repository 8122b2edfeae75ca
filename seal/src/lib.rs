//! Sealed messages: deliveries are encrypted by the producer and opened by the consumer, so that
//! who may read the queues reads nobody.
//!
//! # Layout
//! - `body`: the form of a sealed queue message: what stays readable, and what is bound to it
//! - `slice_key`: the data key of one slice, which seals and opens its deliveries
//! - `key_arn`: the name of the KMS key; `key_description`: what KMS says about it; `key_fault`:
//!   why KMS gave no data key, and the cure
//! - `key_service`: KMS, which makes data keys and opens them again
//! - `opener`: opens queue messages with the data keys that it knows; `cache`: how long it knows
//!   them
//! - `outline`: what can be known of a queue message without its key

mod body;
mod cache;
mod key_arn;
mod key_description;
mod key_fault;
mod key_service;
mod opener;
mod outline;
mod slice_key;

pub use body::{BodyError, Label, SealedBody, max_sealed_len};
pub use key_arn::{KeyArn, KeyArnError};
pub use key_description::KeyDescription;
pub use key_fault::{KeyError, KeyFault, KeyUse};
pub use key_service::{KeyService, RUN_KEY, SLICE_KEY};
pub use opener::{OpenError, Opened, Opener};
pub use outline::Outline;
pub use slice_key::{ForgedError, SliceKey};
