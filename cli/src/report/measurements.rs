//! What a run was like: how many were accepted in which second, how long LINE took, how often something came again.

use std::time::Instant;

use fanline_core::line_limits::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_core::outcome::Outcome;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::Value;

/// Kept while the run goes on.
pub(crate) struct Recorder {
    began: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    accepted: Vec<u64>,
    /// Milliseconds of each request.
    latencies: Vec<u32>,
    pushes: u64,
    multicasts: u64,
    retries: u64,
    too_fast: u64,
    holds: u64,
}

/// The record of a run that has ended.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Record {
    /// People accepted in each second since the first row was read.
    pub(crate) accepted_by_second: Vec<u64>,
    /// Deliveries for one recipient, and for several.
    pub(crate) pushes: u64,
    pub(crate) multicasts: u64,
    /// Requests to the channel that were answered, or given up.
    pub(crate) requests: usize,
    /// Milliseconds within which half, nine tenths, 99 % and all of them were.
    pub(crate) latency_ms: Latency,
    /// Deliveries that had to come again, each time counted.
    pub(crate) retries: u64,
    /// Answers with 429.
    pub(crate) too_fast: u64,
}

/// Percentiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: u32,
    pub(crate) p90: u32,
    pub(crate) p99: u32,
    pub(crate) max: u32,
}

/// How fast a run goes at the moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    /// People accepted in the last whole second.
    pub(crate) accepted: u64,
    /// How many LINE's limits would let through.
    pub(crate) limit: Option<u64>,
    /// Deliveries that had to come again so far.
    pub(crate) retries: u64,
}

/// How many people a second LINE's limits let through where so many people are in so many pushes and multicasts, which have a
/// limit each and go side by side.
fn people_limit(people: u64, pushes: u64, multicasts: u64) -> Option<u64> {
    let milliseconds = (pushes * 1000)
        .div_ceil(PUSH_PER_SECOND.into())
        .max((multicasts * 1000).div_ceil(MULTICAST_PER_SECOND.into()));
    (people * 1000).checked_div(milliseconds)
}

impl Record {
    /// How many people a second LINE's limits let through, with this run's share of pushes and multicasts.
    pub(crate) fn people_limit(&self) -> Option<u64> {
        people_limit(
            self.accepted_by_second.iter().sum(),
            self.pushes,
            self.multicasts,
        )
    }
}

impl Recorder {
    /// How fast it goes now.
    pub(crate) fn speed(&self) -> Speed {
        let second = usize::try_from(self.began.elapsed().as_secs()).unwrap_or(usize::MAX);
        let kept = self.kept();
        let last = second
            .checked_sub(1)
            .and_then(|last| kept.accepted.get(last));
        Speed {
            accepted: last.copied().unwrap_or(0),
            limit: people_limit(kept.accepted.iter().sum(), kept.pushes, kept.multicasts),
            retries: kept.retries,
        }
    }

    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            kept: Mutex::default(),
        }
    }

    /// An outcome, as it was first heard of.
    pub(crate) fn outcome(&self, outcome: Outcome, recipients: u64) {
        if matches!(outcome, Outcome::Accepted | Outcome::AlreadyAccepted) {
            self.accepted(recipients, 1);
        }
    }

    /// The metrics of a consumer that reports its outcomes in no other way.
    pub(crate) fn outcomes_in(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            return;
        };
        let both = |unit: &str| {
            let count = |name: &str| line.get(format!("{name}{unit}")).and_then(Value::as_u64);
            count("accepted").unwrap_or(0) + count("already_accepted").unwrap_or(0)
        };
        self.accepted(both(""), both("_deliveries"));
    }

    fn accepted(&self, people: u64, deliveries: u64) {
        let second = usize::try_from(self.began.elapsed().as_secs()).unwrap_or(usize::MAX);
        let mut kept = self.kept();
        *(if people > deliveries {
            &mut kept.multicasts
        } else {
            &mut kept.pushes
        }) += deliveries;
        if kept.accepted.len() <= second {
            kept.accepted.resize(second + 1, 0);
        }
        if let Some(accepted) = kept.accepted.get_mut(second) {
            *accepted += people;
        }
    }

    /// A line of the consumer's own metrics.
    pub(crate) fn metrics(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            return;
        };
        let count = |name: &str| line.get(name).and_then(Value::as_u64).unwrap_or(0);
        let latencies = line.get("latency").and_then(Value::as_array);
        let mut kept = self.kept();
        kept.latencies.extend(
            latencies
                .into_iter()
                .flatten()
                .filter_map(|ms| u32::try_from(ms.as_u64()?).ok()),
        );
        kept.retries += count("retry_deliveries");
        kept.too_fast += count("too_fast");
        kept.holds += count("holds");
    }

    /// Whether the consumer has stopped a channel: no quota, or no valid token.
    pub(crate) fn has_held(&self) -> bool {
        self.kept().holds > 0
    }

    pub(crate) fn record(&self) -> Record {
        let mut kept = self.kept();
        kept.latencies.sort_unstable();
        Record {
            accepted_by_second: kept.accepted.clone(),
            pushes: kept.pushes,
            multicasts: kept.multicasts,
            requests: kept.latencies.len(),
            latency_ms: Latency::of(&kept.latencies),
            retries: kept.retries,
            too_fast: kept.too_fast,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }
}

impl Latency {
    fn of(sorted: &[u32]) -> Self {
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(rank).copied().unwrap_or(0)
        };
        Self {
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_and_multicasts_have_a_limit_each_and_go_side_by_side() {
        assert_eq!(people_limit(10_000, 10_000, 0), Some(2000));
        assert_eq!(people_limit(1_000_000, 0, 2000), Some(100_000));
        assert_eq!(people_limit(102_000, 2000, 200), Some(102_000));
        assert_eq!(people_limit(0, 0, 0), None);
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let sorted: Vec<u32> = (1..=200).collect();
        assert_eq!(
            Latency::of(&sorted),
            Latency {
                p50: 100,
                p90: 180,
                p99: 198,
                max: 200
            }
        );
        assert_eq!(
            Latency::of(&[7]),
            Latency {
                p50: 7,
                p90: 7,
                p99: 7,
                max: 7
            }
        );
        assert_eq!(Latency::of(&[]), Latency::default());
    }
}
