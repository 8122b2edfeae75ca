//! The object with the leases of all workers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json_object::{self, ObjectError, VERSION};

const OBJECT: &str = "workers.json";

/// The whole of LINE's limits. Parts are whole numbers, so that they add up exactly.
pub(super) const WHOLE: u32 = 1_000_000;

/// The leases of all workers of a channel, `control/workers.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leases {
    v: u64,
    /// Whether parts are given out. A new object says nothing of workers that are at work already,
    /// for example where somebody has deleted the one before. So nobody has a part of it until all
    /// leases of before are over.
    pub(super) open: bool,
    /// The workers by id.
    pub(super) workers: BTreeMap<String, WrittenLease>,
}

/// The lease of one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLease {
    /// The part of the limits that it may use, in millionths.
    pub part: u32,
    /// It grows with each renewal, so that the others see that the worker lives.
    pub renewals: u64,
    /// When it was renewed, for people.
    pub renewed_at: Timestamp,
}

impl Default for Leases {
    fn default() -> Self {
        Self {
            v: VERSION,
            open: false,
            workers: BTreeMap::new(),
        }
    }
}

impl Leases {
    /// Reads the object. More than the whole is an error: somebody has written it by hand.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        let leases: Self = json_object::decode(OBJECT, json)?;
        let parts = leases.workers.values().map(|lease| u64::from(lease.part));
        if parts.sum::<u64>() > u64::from(WHOLE) {
            let problem = "has parts of more than 1000000 together";
            return Err(ObjectError::field(OBJECT, "workers", problem));
        }
        Ok(leases)
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// How many workers have a lease.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }
}
