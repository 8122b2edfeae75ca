//! A schedule of kills: which invocations are killed in the middle, and when.

use std::future::Future;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;

/// A schedule of kills, drawn from a seed. For the same seed the same invocations are killed, each
/// after the same time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kills {
    /// The seed of all draws.
    pub seed: u64,
    /// The probability that an invocation is killed, from 0 to 1.
    pub rate: f64,
    /// A kill happens within this time. An answer that comes before is lost.
    pub within: Duration,
}

impl Kills {
    /// Runs `function` as the invocation with this number, to its end or until the schedule kills
    /// it. An answer before the kill is lost. A task that the function has spawned is not killed;
    /// only [`crate::Host`] kills everything.
    pub async fn run<A>(&self, number: u64, function: A) -> Result<Value, String>
    where
        A: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let Some(after) = self.draw(number) else {
            return function.await;
        };
        // A drop of the set aborts the task, so the function also ends if its caller is dropped.
        let mut tasks = JoinSet::new();
        tasks.spawn(function);
        tokio::time::sleep(after).await;
        drop(tasks);
        Err("the function was killed".to_owned())
    }

    /// How long after its start the invocation with this number is killed. `None`: it is not.
    pub(crate) fn draw(&self, number: u64) -> Option<Duration> {
        // The factor is odd, so each invocation has a different seed.
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
    async fn a_kill_loses_an_answer_that_came_before_and_stops_a_function_that_still_runs() {
        let kills = Kills {
            seed: 1,
            rate: 1.0,
            within: Duration::from_secs(1),
        };
        for seconds in [0, 2] {
            let ended = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&ended);
            let function = async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                flag.store(true, Ordering::SeqCst);
                Ok(Value::Null)
            };
            let answer = kills.run(0, function).await;
            assert_eq!(answer, Err("the function was killed".to_owned()));
            tokio::time::sleep(Duration::from_secs(9)).await;
            assert_eq!(ended.load(Ordering::SeqCst), seconds == 0);
        }
    }
}
