//! A schedule of kills: which invocations are cut off in the middle, and when.

use std::future::Future;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;

/// A seeded schedule of kills: the same invocations are killed for the same seed, each at the same time after its beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kills {
    /// What all draws follow from.
    pub seed: u64,
    /// How likely an invocation is to be killed, from 0 to 1.
    pub rate: f64,
    /// A kill comes within this time. An answer that comes before it is lost, so that a kill always is one.
    pub within: Duration,
}

impl Kills {
    /// Runs `function` as the invocation with this number: to its end, or until the schedule kills it. A kill aborts it in the
    /// middle, and an answer that came before the kill is lost. What the function has spawned by itself goes on; for a kill
    /// that nothing survives there is [`crate::Host`].
    pub async fn run<A>(&self, number: u64, function: A) -> Result<Value, String>
    where
        A: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let Some(after) = self.draw(number) else {
            return function.await;
        };
        // A set that is dropped aborts its tasks, so the function ends with its caller too.
        let mut tasks = JoinSet::new();
        tasks.spawn(function);
        tokio::time::sleep(after).await;
        drop(tasks);
        Err("the function was killed".to_owned())
    }

    /// When the invocation with this number is killed.
    pub(crate) fn draw(&self, number: u64) -> Option<Duration> {
        // An odd factor: every invocation has a seed of its own, whatever the first one is.
        let mut random =
            StdRng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let killed = random.random::<f64>() < self.rate;
        let after = self.within.mul_f64(random.random());
        killed.then_some(after)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_same_seed_kills_the_same_invocations() {
        let draw = |seed| {
            let kills = Kills {
                seed,
                rate: 0.3,
                within: Duration::from_millis(50),
            };
            (0..100)
                .map(|number| kills.draw(number))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let killed = draw(1).iter().flatten().count();
        assert!((15..45).contains(&killed), "{killed} of 100");
        assert!(
            draw(1)
                .iter()
                .flatten()
                .all(|after| *after < Duration::from_millis(50))
        );
        assert_eq!(Kills::default().draw(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kill_loses_the_answer_that_came_before_it_and_stops_what_is_still_at_work() {
        let kills = Kills {
            seed: 1,
            rate: 1.0,
            within: Duration::from_secs(1),
        };
        for seconds in [0, 2] {
            let done = Arc::new(AtomicBool::new(false));
            let went_on = Arc::clone(&done);
            let function = async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                went_on.store(true, Ordering::SeqCst);
                Ok(Value::Null)
            };
            let answer = kills.run(0, function).await;
            assert_eq!(answer, Err("the function was killed".to_owned()));
            tokio::time::sleep(Duration::from_secs(9)).await;
            assert_eq!(done.load(Ordering::SeqCst), seconds == 0);
        }
    }
}
