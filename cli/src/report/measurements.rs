//! What is measured in a run: recipients accepted in each second, times of requests, retries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fanline_consumer::BatchCounts;
use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_core::outcome::Outcome;
use parking_lot::Mutex;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// Measures a run while it goes on.
pub(crate) struct Recorder {
    began: Instant,
    counts: Mutex<RunningCounts>,
}

#[derive(Default)]
struct RunningCounts {
    /// Recipients accepted, by second since the run began.
    accepted: BTreeMap<u64, u64>,
    /// Recipients with an outcome, by second since the run began.
    settled: BTreeMap<u64, SettledInASecond>,
    latencies_ms: Vec<u64>,
    pushes: u64,
    multicasts: u64,
    retries: u64,
    too_fast: u64,
    /// Holds that only a person can end, since LINE has accepted somebody.
    lasting_holds: u64,
}

/// The recipients that came to an outcome in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SettledInASecond {
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    /// It was too late, or the run was cancelled.
    pub(crate) not_sent: u64,
    /// It waits for a quota or a token.
    pub(crate) set_aside: u64,
    /// LINE refused it, or nobody knows.
    pub(crate) refused: u64,
}

/// The measurements of a run that has ended.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Measurements {
    /// Recipients accepted in each second since the first row was read.
    pub(crate) accepted_by_second: Vec<u64>,
    /// The same with all outcomes, for the chart.
    #[serde(skip)]
    pub(crate) settled_by_second: Vec<SettledInASecond>,
    /// Accepted deliveries for one recipient.
    pub(crate) pushes: u64,
    /// Accepted deliveries for several recipients.
    pub(crate) multicasts: u64,
    /// Requests to the channel whose time was measured.
    pub(crate) requests: usize,
    /// Times of requests, in milliseconds.
    pub(crate) latency_ms: Latency,
    /// Deliveries that came back to the queue, each time counted.
    pub(crate) retries: u64,
    /// Answers with status 429.
    pub(crate) too_fast: u64,
}

/// The times of requests: half of them were at most `p50`, and so on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

/// How fast a run goes now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    /// Recipients accepted in the last whole second.
    pub(crate) accepted: u64,
    /// Recipients a second that LINE's limits allow.
    pub(crate) limit: Option<u64>,
    /// Retries so far.
    pub(crate) retries: u64,
}

/// The counts of one batch, as the consumer's metric line has them, or its handler.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ConsumerCounts {
    #[serde(default)]
    accepted: u64,
    #[serde(default)]
    accepted_deliveries: u64,
    #[serde(default)]
    already_accepted: u64,
    #[serde(default)]
    already_accepted_deliveries: u64,
    #[serde(default)]
    retry_deliveries: u64,
    #[serde(default)]
    too_fast: u64,
    #[serde(default)]
    holds: u64,
    #[serde(default)]
    outages: u64,
    /// Milliseconds of each request.
    #[serde(default)]
    latency: Vec<u64>,
}

impl From<&BatchCounts> for ConsumerCounts {
    fn from(batch: &BatchCounts) -> Self {
        let of = |outcome| batch.outcomes.get(&outcome).copied().unwrap_or_default();
        let (accepted, again) = (of(Outcome::Accepted), of(Outcome::AlreadyAccepted));
        Self {
            accepted: accepted.recipients,
            accepted_deliveries: accepted.deliveries,
            already_accepted: again.recipients,
            already_accepted_deliveries: again.deliveries,
            retry_deliveries: of(Outcome::Retry).deliveries,
            too_fast: batch.too_fast,
            holds: batch.holds,
            outages: batch.outages,
            latency: batch.latencies_ms.clone(),
        }
    }
}

impl ConsumerCounts {
    /// The counts of a metric line. `None` for any other line, such as a line of the log.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct MetricLine {
            #[serde(rename = "_aws")]
            _marker: IgnoredAny,
            #[serde(flatten)]
            counts: ConsumerCounts,
        }
        let line: MetricLine = serde_json::from_str(line).ok()?;
        Some(line.counts)
    }
}

impl RunningCounts {
    /// Adds deliveries that LINE has accepted, now or on an earlier attempt.
    fn add_accepted(&mut self, second: u64, recipients: u64, deliveries: u64) {
        *self.accepted.entry(second).or_default() += recipients;
        if deliveries > 0 {
            self.lasting_holds = 0;
        }
        if recipients > deliveries {
            self.multicasts += deliveries;
        } else {
            self.pushes += deliveries;
        }
    }
}

impl Recorder {
    /// A recorder of a run that begins now.
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            counts: Mutex::default(),
        }
    }

    /// Time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Adds a delivery that has come to its outcome now.
    pub(crate) fn add_settled(&self, outcome: Outcome, recipients: u64) {
        let second = self.elapsed().as_secs();
        let mut counts = self.counts.lock();
        if matches!(outcome, Outcome::Accepted | Outcome::AlreadyAccepted) {
            counts.add_accepted(second, recipients, 1);
        }
        let settled = counts.settled.entry(second).or_default();
        *match outcome {
            Outcome::Accepted => &mut settled.accepted,
            Outcome::AlreadyAccepted => &mut settled.already_accepted,
            Outcome::Expired | Outcome::Cancelled => &mut settled.not_sent,
            Outcome::Hold => &mut settled.set_aside,
            Outcome::Refused | Outcome::Unknown => &mut settled.refused,
            // It is no outcome: the delivery comes again.
            Outcome::Retry => return,
        } += recipients;
    }

    /// Adds a batch, without the deliveries that it had accepted.
    pub(crate) fn add_batch(&self, batch: &ConsumerCounts) {
        let mut counts = self.counts.lock();
        counts.latencies_ms.extend(&batch.latency);
        counts.retries += batch.retry_deliveries;
        counts.too_fast += batch.too_fast;
        counts.lasting_holds += batch.holds.saturating_sub(batch.outages);
    }

    /// Adds a batch with the deliveries that it had accepted. For a consumer that reports its
    /// outcomes in no other way.
    pub(crate) fn add_batch_with_accepted(&self, batch: &ConsumerCounts) {
        self.add_batch(batch);
        let second = self.elapsed().as_secs();
        let mut counts = self.counts.lock();
        counts.add_accepted(
            second,
            batch.accepted + batch.already_accepted,
            batch.accepted_deliveries + batch.already_accepted_deliveries,
        );
        let settled = counts.settled.entry(second).or_default();
        settled.accepted += batch.accepted;
        settled.already_accepted += batch.already_accepted;
    }

    /// Whether the consumer has a channel on hold that does not get off it by itself: no quota, or
    /// no valid token. An outage ends by itself, and on a busy machine it can be the machine's own.
    pub(crate) fn is_held(&self) -> bool {
        self.counts.lock().lasting_holds > 0
    }

    /// How fast the run goes now.
    pub(crate) fn speed(&self) -> Speed {
        let counts = self.counts.lock();
        let last_second = self.elapsed().as_secs().checked_sub(1);
        let accepted = last_second.and_then(|second| counts.accepted.get(&second).copied());
        Speed {
            accepted: accepted.unwrap_or(0),
            limit: recipients_limit(
                counts.accepted.values().sum(),
                counts.pushes,
                counts.multicasts,
            ),
            retries: counts.retries,
        }
    }

    /// All measurements so far.
    pub(crate) fn measurements(&self) -> Measurements {
        let mut counts = self.counts.lock();
        counts.latencies_ms.sort_unstable();
        let seconds = counts
            .accepted
            .last_key_value()
            .map_or(0, |(last, _)| last + 1);
        let accepted = |second| counts.accepted.get(&second).copied().unwrap_or(0);
        let last_settled = counts.settled.last_key_value();
        let all_seconds = last_settled.map_or(0, |(last, _)| last + 1);
        let settled = |second| counts.settled.get(&second).copied().unwrap_or_default();
        Measurements {
            accepted_by_second: (0..seconds).map(accepted).collect(),
            settled_by_second: (0..all_seconds).map(settled).collect(),
            pushes: counts.pushes,
            multicasts: counts.multicasts,
            requests: counts.latencies_ms.len(),
            latency_ms: Latency::of(&counts.latencies_ms),
            retries: counts.retries,
            too_fast: counts.too_fast,
        }
    }
}

impl Measurements {
    /// Recipients a second that LINE's limits allow, with the pushes and multicasts of this run.
    pub(crate) fn recipients_limit(&self) -> Option<u64> {
        recipients_limit(
            self.accepted_by_second.iter().sum(),
            self.pushes,
            self.multicasts,
        )
    }
}

impl Latency {
    fn of(sorted: &[u64]) -> Self {
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

/// Recipients a second that LINE's limits allow, where so many recipients are in so many pushes and
/// multicasts. Pushes and multicasts have a limit each and are sent at the same time.
pub(crate) fn recipients_limit(recipients: u64, pushes: u64, multicasts: u64) -> Option<u64> {
    let at = |limit: u32, requests| {
        let people = u128::from(recipients) * u128::from(limit);
        people.checked_div(u128::from(requests))
    };
    let by_push = at(PUSH_PER_SECOND, pushes);
    let slowest = by_push
        .into_iter()
        .chain(at(MULTICAST_PER_SECOND, multicasts))
        .min();
    u64::try_from(slowest?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_and_multicasts_have_a_limit_each() {
        assert_eq!(recipients_limit(10_000, 10_000, 0), Some(2000));
        assert_eq!(recipients_limit(5_243, 5_243, 0), Some(2000));
        assert_eq!(recipients_limit(49_999, 0, 100), Some(99_998));
        assert_eq!(recipients_limit(1_000_000, 0, 2000), Some(100_000));
        assert_eq!(recipients_limit(102_000, 2000, 200), Some(102_000));
        assert_eq!(recipients_limit(0, 0, 0), None);
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let latency = |p50, p90, p99, max| Latency { p50, p90, p99, max };
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!(Latency::of(&sorted), latency(100, 180, 198, 200));
        assert_eq!(Latency::of(&[7]), latency(7, 7, 7, 7));
        assert_eq!(Latency::of(&[]), Latency::default());
    }

    #[test]
    fn counts_are_read_from_metric_lines_alone() {
        let line = r#"{"_aws":{},"channel":"line","accepted":501,"accepted_deliveries":2,
            "retry_deliveries":3,"too_fast":1,"holds":0,"latency":[12,40],"pace_push":190.0}"#;
        let counts = ConsumerCounts {
            accepted: 501,
            accepted_deliveries: 2,
            retry_deliveries: 3,
            too_fast: 1,
            latency: vec![12, 40],
            ..ConsumerCounts::default()
        };
        assert_eq!(ConsumerCounts::from_line(line), Some(counts));
        let without_requests = r#"{"_aws":{},"channel":"none","undecodable":2}"#;
        assert_eq!(
            ConsumerCounts::from_line(without_requests),
            Some(ConsumerCounts::default())
        );
        for other in ["", "panicked at x.rs", r#"{"level":"INFO","accepted":7}"#] {
            assert_eq!(ConsumerCounts::from_line(other), None, "{other}");
        }
    }

    #[test]
    fn a_batch_counts_its_accepted_recipients_where_nothing_else_does() {
        let batch = ConsumerCounts {
            accepted: 500,
            accepted_deliveries: 1,
            already_accepted: 20,
            already_accepted_deliveries: 1,
            retry_deliveries: 2,
            ..ConsumerCounts::default()
        };
        let recorder = Recorder::start();
        recorder.add_batch(&batch);
        let without = recorder.measurements();
        assert_eq!((without.retries, without.multicasts), (2, 0));
        recorder.add_batch_with_accepted(&batch);
        let with = recorder.measurements();
        assert_eq!((with.retries, with.multicasts, with.pushes), (4, 2, 0));
        assert_eq!(with.accepted_by_second.iter().sum::<u64>(), 520);
    }

    #[test]
    fn a_channel_is_held_by_what_only_a_person_mends_and_until_somebody_is_accepted() {
        let recorder = Recorder::start();
        let batch = |holds, outages| ConsumerCounts {
            holds,
            outages,
            ..ConsumerCounts::default()
        };
        recorder.add_batch(&batch(2, 2));
        assert!(!recorder.is_held(), "an outage ends by itself");
        recorder.add_batch(&batch(1, 0));
        assert!(recorder.is_held());
        recorder.add_settled(Outcome::Refused, 1);
        assert!(recorder.is_held());
        recorder.add_settled(Outcome::Accepted, 1);
        assert!(!recorder.is_held(), "LINE accepts again");
        let line = r#"{"_aws": {}, "holds": 1, "outages": 1}"#;
        let counts = ConsumerCounts::from_line(line).unwrap();
        assert_eq!((counts.holds, counts.outages), (1, 1));
    }
}
