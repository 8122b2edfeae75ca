//! What the bookkeeper remembers of a run between two looks at it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::brake::Refusals;
use super::rate::SettledRate;
use crate::json_object::{self, ObjectError, VERSION};

const OBJECT: &str = "watch.json";

/// What the bookkeeper remembers of a run between two looks at it: an object of its own, since one
/// process may look now and another one next.
///
/// Nothing in it says what became of a person. Without it the bookkeeper would count its looks and
/// sweeps anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunWatch {
    v: u64,
    /// When the bookkeeper's tick looked at the run last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// At so many ticks in a row, up to the last one, all queues were empty.
    #[serde(default)]
    pub empty_looks: u32,
    /// When what was waiting was published again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<Timestamp>,
    /// People who have no outcome, and for whom nothing can bring one.
    #[serde(default)]
    pub missing: u64,
    /// When the canary's sample had been sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_sent: Option<Timestamp>,
    /// When the others were put on the slice queue after the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Timestamp>,
    /// The refusals when the brake held the run last. Whoever resumes the run has seen them, so the
    /// brake does not count them again.
    #[serde(default)]
    pub excused: Refusals,
    /// How fast the run is being settled.
    #[serde(default)]
    pub rate: SettledRate,
    /// How many redrives the bookkeeper has seen. After each, the empty looks are counted anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redrives: usize,
    /// Whether deliveries of the run may lie on the parked queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// LINE's median latency in milliseconds, where the bookkeeper has seen outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
}

impl Default for RunWatch {
    fn default() -> Self {
        Self {
            v: VERSION,
            looked_at: None,
            empty_looks: 0,
            sweeps: Vec::new(),
            missing: 0,
            sample_sent: None,
            released: None,
            excused: Refusals::default(),
            rate: SettledRate::default(),
            redrives: 0,
            parked: false,
            latency_ms: None,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// LINE's median latency where none was seen yet.
const USUAL_LATENCY: Duration = Duration::from_millis(150);

impl RunWatch {
    /// LINE's median latency, or the usual one.
    pub fn latency(&self) -> Duration {
        let seen = self.latency_ms.map(u64::from);
        seen.map_or(USUAL_LATENCY, Duration::from_millis)
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
    use crate::by_endpoint::ByEndpoint;

    #[test]
    fn what_is_remembered_is_read_again_and_an_empty_object_remembers_nothing() {
        let now: Timestamp = "2026-12-25T00:01:00Z".parse().unwrap();
        let mut watch = RunWatch {
            looked_at: Some(now),
            empty_looks: 2,
            sweeps: vec![now],
            excused: Refusals {
                refused: 3,
                settled: 50,
            },
            redrives: 1,
            parked: true,
            latency_ms: Some(143),
            ..RunWatch::default()
        };
        let settled = |push| ByEndpoint { push, multicast: 0 };
        watch.rate.observe(settled(0), now);
        watch
            .rate
            .observe(settled(600), now + Duration::from_mins(1));
        assert_eq!(RunWatch::decode(&watch.encode()), Ok(watch));
        assert_eq!(RunWatch::decode(b"{\"v\":1}"), Ok(RunWatch::default()));
        assert!(RunWatch::decode(b"{\"v\":2}").is_err());
        assert!(RunWatch::decode(b"{}").is_err());
    }
}
