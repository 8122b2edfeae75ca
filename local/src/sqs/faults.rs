//! Faults of the queue server, drawn from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How often each fault happens. A rate is a probability from 0 to 1.
///
/// Only sends, receives, deletes and changes of visibility have faults. The faults of a request
/// follow from the seed and the number of the request. So the same requests in the same order have
/// the same faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueFaults {
    /// The seed of all draws.
    pub seed: u64,
    /// Of the entries of `SendMessageBatch`: in `Failed` with `SenderFault` false. A new try may
    /// succeed.
    pub failed: f64,
    /// Of the entries of `SendMessageBatch`: in `Failed` with `SenderFault` true.
    pub refused: f64,
    /// Of the requests: refused with `RequestThrottled`, without an effect.
    pub throttled: f64,
    /// Of the requests: done, but the connection is closed without an answer.
    pub lost: f64,
    /// Of the received messages: visible again at once, so that they are received twice.
    pub duplicated: f64,
    /// Of the receives: they give fewer messages than there are, or none.
    pub short: f64,
}

/// Why the faults are not possible.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFaultsError {
    /// No fault has this name.
    #[error(
        "`{0}` is not a fault of the queue; the faults are failed, refused, throttled, lost, \
         duplicated, short"
    )]
    Name(String),
    /// A rate is below 0, above 1 or not a number.
    #[error("the rate of `{0}` is not between 0 and 1")]
    Rate(String),
}

impl QueueFaults {
    /// Sets the rate of the fault with this name.
    pub fn set(&mut self, name: &str, rate: f64) -> Result<(), QueueFaultsError> {
        let field = match name {
            "failed" => &mut self.failed,
            "refused" => &mut self.refused,
            "throttled" => &mut self.throttled,
            "lost" => &mut self.lost,
            "duplicated" => &mut self.duplicated,
            "short" => &mut self.short,
            _ => return Err(QueueFaultsError::Name(name.to_owned())),
        };
        if !(0.0..=1.0).contains(&rate) {
            return Err(QueueFaultsError::Rate(name.to_owned()));
        }
        *field = rate;
        Ok(())
    }
}

/// The faults of a running server.
#[derive(Debug)]
pub(crate) struct FaultSource {
    faults: QueueFaults,
    requests: AtomicU64,
}

/// The draws of one request. `None`: it has no faults.
#[derive(Debug)]
pub(crate) struct FaultDraws<'a>(Option<(&'a QueueFaults, StdRng)>);

/// The fault of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryFault {
    Failed,
    Refused,
}

impl FaultSource {
    /// Faults from the first request on.
    pub(crate) fn new(faults: QueueFaults) -> Self {
        Self {
            faults,
            requests: AtomicU64::new(0),
        }
    }

    /// The draws for the next request.
    pub(crate) fn draw(&self) -> FaultDraws<'_> {
        let quiet = QueueFaults {
            seed: self.faults.seed,
            ..QueueFaults::default()
        };
        if self.faults == quiet {
            return FaultDraws(None);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // The factor is odd, so each request has a different seed.
        let seed = self.faults.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        FaultDraws(Some((&self.faults, StdRng::seed_from_u64(seed))))
    }
}

impl FaultDraws<'_> {
    /// No faults.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Whether the request is throttled.
    pub(crate) fn throttled(&mut self) -> bool {
        self.happens(|faults| faults.throttled)
    }

    /// Whether the answer is lost.
    pub(crate) fn lost(&mut self) -> bool {
        self.happens(|faults| faults.lost)
    }

    /// The fault of the next entry of a send.
    pub(crate) fn entry(&mut self) -> Option<EntryFault> {
        if self.happens(|faults| faults.failed) {
            return Some(EntryFault::Failed);
        }
        self.happens(|faults| faults.refused)
            .then_some(EntryFault::Refused)
    }

    /// Whether the next received message is received twice.
    pub(crate) fn duplicated(&mut self) -> bool {
        self.happens(|faults| faults.duplicated)
    }

    /// The most messages that a receive gives if it gives fewer than the `max` that it asked for.
    pub(crate) fn short(&mut self, max: usize) -> Option<usize> {
        if !self.happens(|faults| faults.short) {
            return None;
        }
        let (_, random) = self.0.as_mut()?;
        Some(random.random_range(0..max.max(1)))
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
    fn the_same_seed_draws_the_same_faults_and_another_does_not() {
        let draw = |seed| {
            let source = FaultSource::new(QueueFaults {
                seed,
                failed: 0.3,
                refused: 0.1,
                throttled: 0.2,
                ..QueueFaults::default()
            });
            (0..200)
                .map(|_| {
                    let mut draws = source.draw();
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
    fn a_fault_is_set_by_its_name_to_a_rate_from_0_to_1() {
        let mut faults = QueueFaults::default();
        for name in [
            "failed",
            "refused",
            "throttled",
            "lost",
            "duplicated",
            "short",
        ] {
            assert_eq!(faults.set(name, 0.25), Ok(()));
            for bad in [-0.1, 1.1, f64::NAN] {
                assert_eq!(
                    faults.set(name, bad),
                    Err(QueueFaultsError::Rate(name.to_owned()))
                );
            }
        }
        let all = QueueFaults {
            seed: 0,
            failed: 0.25,
            refused: 0.25,
            throttled: 0.25,
            lost: 0.25,
            duplicated: 0.25,
            short: 0.25,
        };
        assert_eq!(faults, all);
        assert_eq!(
            faults.set("fire", 1.0),
            Err(QueueFaultsError::Name("fire".to_owned()))
        );
    }
}
