//! How long a campaign takes, and how many consumers would be fast enough.

use std::time::Duration;

use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_ledger::{ByEndpoint, Pace, best_pace};

/// Lambda adds consumers over about this time.
const RAMP: Duration = Duration::from_mins(1);

/// The template allows this many consumers.
const MAX_CONSUMERS: u32 = 200;

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) deliveries: ByEndpoint<u64>,
    /// How long the canary is watched.
    pub(crate) canary_wait: Duration,
    /// The requests a second that an operator allows the stack.
    pub(crate) pace: Pace,
}

impl Load {
    /// How long a deployed stack takes with so many consumers, where LINE takes `latency` to
    /// answer.
    pub(crate) fn on_a_stack(&self, consumers: u32, latency: Duration) -> Duration {
        let pace = best_pace(consumers, latency, self.pace);
        self.canary_wait + RAMP + self.at(pace)
    }

    /// How long `fanline run` takes on this machine: it sends at LINE's limit.
    pub(crate) fn on_this_machine(&self) -> Duration {
        let limit = ByEndpoint {
            push: f64::from(PUSH_PER_SECOND),
            multicast: f64::from(MULTICAST_PER_SECOND),
        };
        self.canary_wait + self.at(limit)
    }

    /// The fewest consumers that are through `within` this time. `None`: no number is.
    pub(crate) fn consumers_for(&self, within: Duration, latency: Duration) -> Option<u32> {
        (1..=MAX_CONSUMERS).find(|consumers| self.on_a_stack(*consumers, latency) <= within)
    }

    fn at(&self, pace: ByEndpoint<f64>) -> Duration {
        let times = self.deliveries.zip(pace).map(|_, (deliveries, pace)| {
            if deliveries == 0 {
                Duration::ZERO
            } else {
                let seconds = as_f64(deliveries) / pace;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        });
        times.push.saturating_add(times.multicast)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are far fewer than 2^52 deliveries"
)]
pub(crate) fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(push: u64, multicast: u64) -> Load {
        Load {
            deliveries: ByEndpoint { push, multicast },
            canary_wait: Duration::ZERO,
            pace: Pace::default(),
        }
    }

    const LATENCY: Duration = Duration::from_millis(150);

    #[test]
    fn the_time_is_the_ramp_and_each_endpoint_at_its_pace() {
        for (push, multicast, consumers, seconds) in [
            (1_000_000, 0, 10, 60 + 2150),
            (1_000_000, 0, 40, 60 + 537),
            (1_000_000, 0, 200, 60 + 526),
            (0, 2_000, 40, 60 + 10),
            (0, 0, 1, 60),
        ] {
            let takes = load(push, multicast).on_a_stack(consumers, LATENCY);
            assert_eq!(takes.as_secs(), seconds, "{push} {multicast} {consumers}");
        }
        assert_eq!(load(1_000_000, 0).on_this_machine().as_secs(), 500);
        assert_eq!(load(0, 2_000).on_this_machine().as_secs(), 10);
    }

    #[test]
    fn the_fewest_consumers_are_found_that_are_fast_enough() {
        let load = load(1_000_000, 0);
        let hour = Duration::from_hours(1);
        let consumers = load.consumers_for(hour, LATENCY).unwrap();
        assert!(load.on_a_stack(consumers, LATENCY) <= hour);
        assert!(load.on_a_stack(consumers - 1, LATENCY) > hour);
        assert_eq!(load.consumers_for(Duration::from_mins(5), LATENCY), None);
    }

    #[test]
    fn the_pace_of_the_stack_holds_and_consumers_do_not_help() {
        let mut load = load(1_000_000, 0);
        load.pace.push = Some(100);
        let takes = load.on_a_stack(40, LATENCY);
        assert_eq!(takes.as_secs(), 60 + 10_000);
        assert_eq!(load.on_a_stack(200, LATENCY), takes);
        assert_eq!(load.consumers_for(Duration::from_hours(1), LATENCY), None);
        assert_eq!(load.on_this_machine().as_secs(), 500);
    }

    #[test]
    fn the_wait_for_the_canary_counts() {
        let mut load = load(2_000, 0);
        load.canary_wait = Duration::from_mins(5);
        assert_eq!(load.on_this_machine().as_secs(), 301);
    }
}
