//! How long a campaign takes, and how many consumers would be fast enough.

use std::time::Duration;

use fanline_core::campaign::Lane;
use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_ledger::{ByEndpoint, Consumers, Pace, best_pace};

/// From the start of the producer to the first request to LINE: the start of a function, the first
/// reading of the list, and the first messages on the queue. A guess, not measured at AWS.
const START: Duration = Duration::from_secs(10);

/// Lambda begins with so many consumers at once.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const FIRST_CONSUMERS: f64 = 5.0;

/// Lambda adds up to 300 consumers a minute, for as long as messages wait.
const CONSUMERS_PER_SECOND: f64 = 5.0;

/// The part of a limit that consumers use. The pace spreads a second's share over 1.05 seconds, and
/// between two batches of ten a consumer loses the place of one request.
const USED: f64 = 10.0 / (11.0 * 1.05);

/// The template allows a lane so many consumers.
pub(crate) const fn max_consumers(lane: Lane) -> u32 {
    match lane {
        Lane::Bulk => 190,
        Lane::Urgent => 10,
    }
}

/// So many consumers the template gives a lane where no parameter says otherwise.
pub(crate) const fn usual_consumers(lane: Lane) -> u32 {
    match lane {
        Lane::Bulk => 40,
        Lane::Urgent => 2,
    }
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) deliveries: ByEndpoint<u64>,
    /// How long the canary is watched.
    pub(crate) canary_wait: Duration,
    /// The requests a second that an operator allows the stack.
    pub(crate) pace: Pace,
    /// The lane on which it is sent.
    pub(crate) lane: Lane,
    /// How many consumers the other lane has. All consumers have the same share of the limits.
    pub(crate) others: u32,
}

impl Load {
    /// How long a deployed stack takes with so many consumers, where LINE takes `latency` to
    /// answer.
    pub(crate) fn on_a_stack(&self, consumers: u32, latency: Duration) -> Duration {
        let limits = ByEndpoint {
            push: PUSH_PER_SECOND,
            multicast: MULTICAST_PER_SECOND,
        };
        let all = Consumers {
            own: consumers,
            others: self.others,
        };
        let used = self
            .pace
            .zip(limits)
            .map(|_, (set, limit)| all.share() * USED * f64::from(set.unwrap_or(limit).min(limit)));
        let pace = best_pace(all, latency, self.pace).zip(used);
        let pace = pace.map(|_, (best, used)| best.min(used));
        self.canary_wait + START + ramped(self.at(pace), consumers)
    }

    /// How long `fanline run` takes on this machine, where LINE's limit is all that holds it up. No
    /// run is shorter than a second.
    pub(crate) fn on_this_machine(&self) -> Duration {
        let all = Consumers {
            own: max_consumers(Lane::Bulk),
            others: 0,
        };
        let most = best_pace(all, Duration::ZERO, Pace::default());
        (self.canary_wait + self.at(most)).max(Duration::from_secs(1))
    }

    /// The fewest consumers of the lane that are through `within` this time. `None`: no number is.
    pub(crate) fn consumers_for(&self, within: Duration, latency: Duration) -> Option<u32> {
        (1..=max_consumers(self.lane))
            .find(|consumers| self.on_a_stack(*consumers, latency) <= within)
    }

    /// How long it takes with the number of consumers that is the fastest.
    pub(crate) fn at_best(&self, latency: Duration) -> Duration {
        let numbers = 1..=max_consumers(self.lane);
        let times = numbers.map(|consumers| self.on_a_stack(consumers, latency));
        times.min().unwrap_or(Duration::MAX)
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

/// How long work takes that all consumers would do in `at_full_pace`, while Lambda is still adding
/// them. Each consumer has the same share of the pace.
fn ramped(at_full_pace: Duration, consumers: u32) -> Duration {
    let (work, all) = (at_full_pace.as_secs_f64(), f64::from(consumers));
    let ramp = (all - FIRST_CONSUMERS).max(0.0) / CONSUMERS_PER_SECOND;
    // After t seconds there are FIRST + PER_SECOND × t consumers, so the work that is done grows
    // with the square of t.
    let done = |t: f64| (FIRST_CONSUMERS + CONSUMERS_PER_SECOND * t / 2.0) * t / all;
    let seconds = if work >= done(ramp) {
        work + ramp - done(ramp)
    } else {
        let (a, b) = (CONSUMERS_PER_SECOND / 2.0, FIRST_CONSUMERS);
        ((b * b + 4.0 * a * work * all).sqrt() - b) / (2.0 * a)
    };
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
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
    use proptest::prelude::*;

    use super::*;

    fn load(push: u64, multicast: u64) -> Load {
        Load {
            deliveries: ByEndpoint { push, multicast },
            canary_wait: Duration::ZERO,
            pace: Pace::default(),
            lane: Lane::Bulk,
            others: 0,
        }
    }

    const LATENCY: Duration = Duration::from_millis(150);

    #[test]
    fn the_time_is_the_start_and_each_endpoint_at_its_pace() {
        for (push, multicast, consumers, seconds) in [
            (1_000_000, 0, 10, 10 + 2150),
            (1_000_000, 0, 40, 10 + 577 + 3),
            (1_000_000, 0, 200, 10 + 577 + 19),
            // A few are sent while Lambda adds consumers.
            (1_000, 0, 40, 10 + 2),
            (1_000, 0, 10, 10 + 2),
            (1_000, 0, 2, 10 + 10),
            (0, 2_000, 40, 10 + 11 + 3),
            (0, 0, 1, 10),
        ] {
            let takes = load(push, multicast).on_a_stack(consumers, LATENCY);
            assert_eq!(takes.as_secs(), seconds, "{push} {multicast} {consumers}");
        }
        assert_eq!(load(1_000_000, 0).on_this_machine().as_secs(), 526);
        assert_eq!(load(0, 2_000).on_this_machine().as_secs(), 10);
        assert_eq!(load(3, 1).on_this_machine().as_secs(), 1);
    }

    proptest! {
        /// Second by second, with the consumers that there are then.
        #[test]
        fn the_ramp_is_what_a_step_by_step_count_says(work in 0.0f64..100.0, consumers in 1u32..400) {
            let (mut left, mut seconds) = (work, 0.0);
            while left > 0.0 {
                let there = (FIRST_CONSUMERS + CONSUMERS_PER_SECOND * seconds).min(consumers.into());
                left -= there / f64::from(consumers) * 0.001;
                seconds += 0.001;
            }
            let found = ramped(Duration::from_secs_f64(work), consumers).as_secs_f64();
            prop_assert!((found - seconds).abs() < 0.05, "{found} {seconds}");
        }
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
        assert_eq!(takes.as_secs(), 10 + 11_553);
        assert!(load.on_a_stack(200, LATENCY) >= takes);
        assert_eq!(load.consumers_for(Duration::from_hours(1), LATENCY), None);
        assert_eq!(load.on_this_machine().as_secs(), 526);
    }

    #[test]
    fn a_lane_has_its_share_of_the_limits() {
        let mut load = load(0, 2_000);
        assert_eq!(load.on_a_stack(2, LATENCY).as_secs(), 10 + 21);
        (load.lane, load.others) = (Lane::Urgent, 40);
        assert_eq!(load.on_a_stack(2, LATENCY).as_secs(), 10 + 242);
        // With more consumers the share grows too, up to what the template allows.
        assert_eq!(load.on_a_stack(10, LATENCY).as_secs(), 10 + 57 + 1);
        let within = |seconds| load.consumers_for(Duration::from_secs(seconds), LATENCY);
        assert_eq!([within(130), within(60)], [Some(5), None]);
    }

    #[test]
    fn the_wait_for_the_canary_counts() {
        let mut load = load(2_000, 0);
        load.canary_wait = Duration::from_mins(5);
        assert_eq!(load.on_this_machine().as_secs(), 301);
    }
}
