//! Seeded faults: what a queue does to its clients on a bad day, the same every time for the same seed.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How often the queue server misbehaves; every rate is a probability from 0 to 1.
///
/// Only sends, receives, deletes and changes of visibility are touched. Each is numbered as it comes, and its faults follow from
/// the seed and its number: the same requests in the same order meet the same faults.
///
/// As text it is `name=rate` with commas between: `failed=0.01,throttled=0.05,seed=7`. The names are those of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueFaults {
    /// What all draws follow from.
    pub seed: u64,
    /// Of the entries of a `SendMessageBatch`: in `Failed`, by SQS's own fault. Sent again, they may succeed.
    pub failed: f64,
    /// Of the entries of a `SendMessageBatch`: in `Failed`, by the sender's fault.
    pub refused: f64,
    /// Of the requests: refused with `RequestThrottled`, without any effect.
    pub throttled: f64,
    /// Of the requests: done, and the connection closed without an answer.
    pub lost: f64,
    /// Of the messages received: visible again at once, so that they are received twice.
    pub duplicated: f64,
    /// Of the receives: they give fewer messages than there are, perhaps none.
    pub short: f64,
}

/// A text that does not say which faults.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// Not `name=value`.
    #[error("`{0}` is not `name=rate`")]
    NotAPair(String),
    /// No such fault.
    #[error(
        "there is no fault `{0}`: there are `failed`, `refused`, `throttled`, `lost`, `duplicated` and `short`"
    )]
    Name(String),
    /// Not a probability, or no number at all.
    #[error("`{0}` is not from 0 to 1")]
    Rate(String),
}

impl FromStr for QueueFaults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| FaultsError::NotAPair(pair.to_owned()))?;
            let wrong = || FaultsError::Rate(pair.to_owned());
            let rate = match name.trim() {
                "seed" => {
                    faults.seed = value.trim().parse().map_err(|_| wrong())?;
                    continue;
                }
                "failed" => &mut faults.failed,
                "refused" => &mut faults.refused,
                "throttled" => &mut faults.throttled,
                "lost" => &mut faults.lost,
                "duplicated" => &mut faults.duplicated,
                "short" => &mut faults.short,
                other => return Err(FaultsError::Name(other.to_owned())),
            };
            *rate = value
                .trim()
                .parse()
                .ok()
                .filter(|rate| (0.0..=1.0).contains(rate))
                .ok_or_else(wrong)?;
        }
        Ok(faults)
    }
}

/// The faults of a running server.
#[derive(Debug)]
pub(crate) struct Faulty {
    faults: QueueFaults,
    requests: AtomicU64,
}

/// The draws of one request.
#[derive(Debug)]
pub(crate) struct Draws<'a>(Option<(&'a QueueFaults, StdRng)>);

/// What becomes of an entry or of a request's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryFault {
    Failed,
    Refused,
}

impl Faulty {
    /// Faults that begin with the first request.
    pub(crate) fn new(faults: QueueFaults) -> Self {
        Self {
            faults,
            requests: AtomicU64::new(0),
        }
    }

    /// The draws for the next request.
    pub(crate) fn draw(&self) -> Draws<'_> {
        let quiet = QueueFaults {
            seed: self.faults.seed,
            ..QueueFaults::default()
        };
        if self.faults == quiet {
            return Draws(None);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // An odd factor: every request has a seed of its own, whatever the first one is.
        let seed = self.faults.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Draws(Some((&self.faults, StdRng::seed_from_u64(seed))))
    }
}

impl Draws<'_> {
    /// No faults, for a request that none are drawn for.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Whether the request is throttled.
    pub(crate) fn throttled(&mut self) -> bool {
        self.happens(|faults| faults.throttled)
    }

    /// Whether the answer gets lost.
    pub(crate) fn lost(&mut self) -> bool {
        self.happens(|faults| faults.lost)
    }

    /// What becomes of the next entry to send.
    pub(crate) fn entry(&mut self) -> Option<EntryFault> {
        if self.happens(|faults| faults.failed) {
            return Some(EntryFault::Failed);
        }
        self.happens(|faults| faults.refused)
            .then_some(EntryFault::Refused)
    }

    /// Whether the next message is received twice.
    pub(crate) fn duplicated(&mut self) -> bool {
        self.happens(|faults| faults.duplicated)
    }

    /// How many messages a receive gives that asked for `at_most`, where it gives fewer than there are.
    pub(crate) fn short(&mut self, at_most: usize) -> Option<usize> {
        if !self.happens(|faults| faults.short) {
            return None;
        }
        let (_, random) = self.0.as_mut()?;
        Some(random.random_range(0..at_most.max(1)))
    }

    fn happens(&mut self, rate: impl Fn(&QueueFaults) -> f64) -> bool {
        self.0
            .as_mut()
            .is_some_and(|(faults, random)| random.random::<f64>() < rate(faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let draw = |seed| {
            let faulty = Faulty::new(QueueFaults {
                seed,
                failed: 0.3,
                refused: 0.1,
                throttled: 0.2,
                ..QueueFaults::default()
            });
            (0..200)
                .map(|_| {
                    let mut draws = faulty.draw();
                    (draws.throttled(), draws.entry(), draws.lost())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let throttled = draw(7).iter().filter(|(throttled, ..)| *throttled).count();
        assert!((20..60).contains(&throttled), "{throttled} of 200");
        assert!(draw(7).iter().all(|(_, _, lost)| !lost));
    }

    #[test]
    fn faults_read_from_text() {
        let faults: QueueFaults = "failed=0.25,throttled=1, seed=9".parse().unwrap();
        let expected = QueueFaults {
            seed: 9,
            failed: 0.25,
            throttled: 1.0,
            ..QueueFaults::default()
        };
        assert_eq!(faults, expected);
        assert_eq!("".parse(), Ok(QueueFaults::default()));
        for (text, error) in [
            ("failed", FaultsError::NotAPair("failed".to_owned())),
            ("fire=1", FaultsError::Name("fire".to_owned())),
            ("lost=2", FaultsError::Rate("lost=2".to_owned())),
            ("lost=NaN", FaultsError::Rate("lost=NaN".to_owned())),
        ] {
            assert_eq!(text.parse::<QueueFaults>(), Err(error));
        }
    }
}
