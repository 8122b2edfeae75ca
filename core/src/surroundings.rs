//! What the code takes from its machine: the time of day and random numbers.
//!
//! Both are values that are passed on. In production they are the machine's own. A simulation
//! passes a clock and a source of its own, so that the same seed always gives the same run.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The time of day and random numbers.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The time of day.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
}

/// The time of day. The default is the machine's.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> Timestamp + Send + Sync>>);

/// A source of random numbers. The default is the machine's. All clones of a seeded source share
/// its sequence.
#[derive(Clone, Debug, Default)]
pub struct Random(Option<Arc<Mutex<StdRng>>>);

impl Clock {
    /// A clock that shows what `now` gives.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None => Timestamp::now(),
            Some(now) => now(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.0.is_none() { "machine" } else { "own" };
        f.debug_tuple("Clock").field(&name).finish()
    }
}

impl Random {
    /// A source whose numbers follow from the seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// A number from 0 to 1, without 1 itself.
    pub fn draw(&self) -> f64 {
        match &self.0 {
            None => rand::random(),
            Some(source) => source.lock().random(),
        }
    }

    /// 128 random bits, for an identity.
    pub fn bits(&self) -> u128 {
        match &self.0 {
            None => rand::random(),
            Some(source) => source.lock().random(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_the_machines_time_or_its_own() {
        let before = Timestamp::now();
        assert!(Clock::default().now() >= before);
        let then: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        assert_eq!(Clock::from_fn(move || then).now(), then);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_clones_share_them() {
        let one = Random::seeded(7);
        let clone = one.clone();
        let two = Random::seeded(7);
        let numbers = [one.draw(), clone.draw(), one.draw()];
        assert_eq!(
            numbers.map(f64::to_bits),
            [two.draw(), two.draw(), two.draw()].map(f64::to_bits)
        );
        assert_eq!(one.bits(), two.bits());
        assert_ne!(one.bits(), Random::seeded(8).bits());
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
    }

    #[test]
    fn the_machines_numbers_differ() {
        assert_ne!(Random::default().bits(), Random::default().bits());
        assert!((0.0..1.0).contains(&Random::default().draw()));
    }
}
