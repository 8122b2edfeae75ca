//! Who is in a resend of a run: an object of the family's first run, so that the next resend knows
//! whom to leave out.

use fanline_telemetry::fingerprint::Fingerprint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json_object::{self, ObjectError, VERSION};

const OBJECT: &str = "resends/<number>";

/// One resend of a run: its run, who made it and why, and its people.
///
/// An operator's command puts it before anything of the resend is handed over, where there is none
/// yet. One without a run is void: another operator waited for it in vain, and nothing of it may be
/// sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResendClaim {
    v: u64,
    /// The name of the resend's run; `None` where the resend was given up.
    pub run: Option<String>,
    /// Who made it.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When.
    pub time: Timestamp,
    /// What stands for nobody: it tells whether two resends have the same key.
    pub key_check: Fingerprint,
    /// What stands for each person, in the order of the rows of the resend's list, under the key of
    /// the family's first run.
    pub people: Vec<Fingerprint>,
}

impl ResendClaim {
    /// A resend to these people under this name.
    pub fn new(
        run: String,
        key_check: Fingerprint,
        people: Vec<Fingerprint>,
        by: String,
        time: Timestamp,
    ) -> Self {
        Self {
            v: VERSION,
            run: Some(run),
            by,
            why: None,
            time,
            key_check,
            people,
        }
    }

    /// A resend that was given up.
    pub fn void(by: String, time: Timestamp) -> Self {
        Self {
            v: VERSION,
            run: None,
            by,
            why: None,
            time,
            key_check: Fingerprint::of_bytes([0; 8]),
            people: Vec::new(),
        }
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// Reads the object.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        json_object::decode(OBJECT, json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_as_it_was_written_and_a_void_one_has_nobody() {
        let time: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        let people = vec![Fingerprint::of_bytes([1; 8]), Fingerprint::of_bytes([2; 8])];
        let mut claim = ResendClaim::new("xmas.r1".into(), people[0], people, "mei".into(), time);
        claim.why = Some("quota".into());
        assert_eq!(ResendClaim::decode(&claim.encode()), Ok(claim));
        let void = ResendClaim::void("bo".into(), time);
        let read = ResendClaim::decode(&void.encode()).unwrap();
        assert_eq!((read.run, read.people.len()), (None, 0));
        assert!(ResendClaim::decode(b"{\"v\":2}").is_err());
    }
}
