//! Will a run be late?

use std::time::Duration;

use fanline_core::delivery::Endpoint;
use jiff::{SignedDuration, Timestamp};

use super::rate::as_f64;
use crate::by_endpoint::ByEndpoint;
use crate::control::{Consumers, Pace};
use crate::run::horizon;

/// A little below LINE's limits: other requests of the channel count too.
const MOST: ByEndpoint<f64> = ByEndpoint {
    push: 1_900.0,
    multicast: 190.0,
};
/// What a consumer does besides waiting for LINE, for each batch of ten.
const BATCH_SECONDS: f64 = 0.065;
/// Deliveries that a consumer sends at the same time.
const BATCH: f64 = 10.0;
/// In the first minute nothing is known of a run's rate.
const FIRST_MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// A run that stands still is no later than this: a metric needs a number.
const MAX_LATE_SECONDS: f64 = 7.0 * 86_400.0;

/// The best pace that a lane's consumers can keep, at LINE's median latency, with the pace that an
/// operator has set.
pub fn best_pace(consumers: Consumers, latency: Duration, pace: Pace) -> ByEndpoint<f64> {
    let share = consumers.share();
    let requests = f64::from(consumers.own) * BATCH / (latency.as_secs_f64() + BATCH_SECONDS);
    pace.zip(MOST).map(|_, (set, most)| {
        let set = set.map_or(f64::INFINITY, f64::from);
        (share * most.min(set)).min(requests)
    })
}

/// When a run has to be through: at its `expires_at`, and 23 hours after it began at the latest.
pub fn deadline(started_at: Timestamp, expires_at: Option<Timestamp>) -> Timestamp {
    let horizon = horizon(started_at);
    expires_at.map_or(horizon, |expires_at| expires_at.min(horizon))
}

/// A run that is not through.
#[derive(Debug, Clone, Copy)]
pub struct OpenRun {
    /// When it has to be through: see [`deadline`].
    pub deadline: Timestamp,
    /// Its deliveries that are not settled.
    pub left: ByEndpoint<u64>,
    /// Its settled deliveries a second, where they are known: see [`super::SettledRate`].
    pub rate: Option<ByEndpoint<f64>>,
    /// When sending began: the first delivery was put on the queue.
    pub sending_since: Timestamp,
    /// Whether it is paused.
    pub is_paused: bool,
}

/// How many seconds after its deadline a run will be through; negative where it will be in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lateness {
    /// At the rate of the last minutes; `None` in the first minute of sending. A paused run has no
    /// rate of its own, so the best pace stands for it.
    pub at_this_rate: Option<f64>,
    /// At the best pace. Above 0 nothing helps but a later deadline.
    pub at_best: f64,
}

impl Lateness {
    /// The lateness of a run now, where `best` is the [`best_pace`].
    pub fn of(run: &OpenRun, best: ByEndpoint<f64>, now: Timestamp) -> Self {
        let to_deadline = run.deadline.duration_since(now).as_secs_f64();
        let late =
            |seconds: f64| (seconds - to_deadline).clamp(-MAX_LATE_SECONDS, MAX_LATE_SECONDS);
        let at_best = late(seconds(run.left, best));
        let at_this_rate = if run.is_paused {
            Some(at_best)
        } else if now.duration_since(run.sending_since) < FIRST_MINUTE {
            None
        } else {
            run.rate
                .map(|rate| late(seconds(run.left, paces(rate, best))))
        };
        Self {
            at_this_rate,
            at_best,
        }
    }

    /// The worst of several runs: what the two metrics show. `None` where no run is open.
    pub fn worst(runs: impl IntoIterator<Item = Self>) -> Option<Self> {
        runs.into_iter().reduce(|one, other| Self {
            at_this_rate: match (one.at_this_rate, other.at_this_rate) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            },
            at_best: one.at_best.max(other.at_best),
        })
    }
}

/// The seconds that these deliveries take: those of one endpoint after those of the other.
fn seconds(left: ByEndpoint<u64>, pace: ByEndpoint<f64>) -> f64 {
    let times = left.zip(pace).map(|_, (left, pace)| match left {
        0 => 0.0,
        left if pace > 0.0 => as_f64(left) / pace,
        _ => f64::INFINITY,
    });
    times.push + times.multicast
}

/// The rate of each endpoint. Where one stands still while the other is being sent, its turn has
/// not come: the best pace stands for it. Where both stand still, the run does.
fn paces(rate: ByEndpoint<f64>, best: ByEndpoint<f64>) -> ByEndpoint<f64> {
    let stands_still = rate.push <= 0.0 && rate.multicast <= 0.0;
    best.map(|endpoint: Endpoint, best| match *rate.of(endpoint) {
        rate if rate > 0.0 || stands_still => rate,
        _ => best,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::SettledRate;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn both(push: f64, multicast: f64) -> ByEndpoint<f64> {
        ByEndpoint { push, multicast }
    }

    fn run(push: u64, multicast: u64, rate: Option<ByEndpoint<f64>>) -> OpenRun {
        OpenRun {
            deadline: at(1_000),
            left: ByEndpoint { push, multicast },
            rate,
            sending_since: at(0),
            is_paused: false,
        }
    }

    #[test]
    fn the_best_pace_is_the_consumers_or_lines_or_the_operators() {
        let unset = Pace::default();
        let set = Pace {
            push: Some(100),
            multicast: Some(5),
        };
        for (own, others, latency, pace, push, multicast) in [
            (40, 0, 150, unset, 1_860.0, 190.0),
            (100, 0, 150, unset, 1_900.0, 190.0),
            (10, 0, 150, unset, 465.0, 190.0),
            (2, 0, 935, unset, 20.0, 20.0),
            (10, 0, 150, set, 100.0, 5.0),
            // Each consumer of both lanes has the same share.
            (40, 2, 150, unset, 1_809.5, 181.0),
            (2, 40, 150, unset, 90.5, 9.0),
            (2, 38, 935, unset, 20.0, 9.5),
            (2, 38, 150, set, 5.0, 0.25),
        ] {
            let consumers = Consumers { own, others };
            let best = best_pace(consumers, Duration::from_millis(latency), pace);
            assert!(
                (best.push - push).abs() < 1.0,
                "{consumers:?}: {}",
                best.push
            );
            assert!(
                (best.multicast - multicast).abs() < 1.0,
                "{}",
                best.multicast
            );
        }
    }

    #[test]
    fn the_deadline_is_the_earlier_of_two() {
        let hours = |hours: i64| at(hours * 3600);
        assert_eq!(deadline(at(0), None), hours(23));
        assert_eq!(deadline(at(0), Some(hours(4))), hours(4));
        assert_eq!(deadline(at(0), Some(hours(30))), hours(23));
    }

    /// Compares the lateness of a run at this second, at its rate and at the best pace.
    fn expect(what: &str, run: OpenRun, second: i64, at_this_rate: Option<f64>, at_best: f64) {
        let lateness = Lateness::of(&run, both(100.0, 10.0), at(second));
        let near = |one: f64, other: f64| (one - other).abs() < 1e-6;
        assert!(near(lateness.at_best, at_best), "{what}: {lateness:?}");
        match (lateness.at_this_rate, at_this_rate) {
            (Some(one), Some(other)) => assert!(near(one, other), "{what}: {lateness:?}"),
            (one, other) => assert_eq!(one, other, "{what}"),
        }
    }

    #[test]
    fn lateness_is_what_is_left_at_each_pace() {
        let slow = Some(both(50.0, 5.0));
        let pushes = |left| run(left, 0, slow);
        expect("in time", pushes(10_000), 500, Some(-300.0), -400.0);
        expect("late so", pushes(40_000), 500, Some(300.0), -100.0);
        expect("late anyway", pushes(60_000), 500, Some(700.0), 100.0);
        let mixed = run(10_000, 1_000, slow);
        expect("both", mixed, 500, Some(-100.0), -300.0);
        expect("after the end", pushes(1), 1_500, Some(500.02), 500.01);
        expect("first minute", pushes(10_000), 59, None, -841.0);
        expect("second minute", pushes(10_000), 60, Some(-740.0), -840.0);
        expect("no rate yet", run(10_000, 0, None), 500, None, -400.0);
    }

    #[test]
    fn a_run_that_stands_still_is_late_unless_it_is_paused_or_through() {
        let paused = |rate| OpenRun {
            is_paused: true,
            ..run(40_000, 0, rate)
        };
        let still = Some(both(0.0, 0.0));
        let never = Some(MAX_LATE_SECONDS);
        expect("paused", paused(still), 500, Some(-100.0), -100.0);
        expect("paused too long", paused(None), 700, Some(100.0), 100.0);
        expect("stands still", run(1, 0, still), 500, never, -499.99);
        expect("through", run(0, 0, still), 500, Some(-500.0), -500.0);
        let turn = run(0, 1_000, Some(both(50.0, 0.0)));
        expect("not its turn", turn, 500, Some(-400.0), -400.0);
    }

    #[test]
    fn the_worst_run_is_shown() {
        let lateness = |at_this_rate, at_best| Lateness {
            at_this_rate,
            at_best,
        };
        assert_eq!(Lateness::worst([]), None);
        let worst = Lateness::worst([
            lateness(None, -5.0),
            lateness(Some(-7.0), -9.0),
            lateness(Some(3.0), -8.0),
        ]);
        assert_eq!(worst, Some(lateness(Some(3.0), -5.0)));
    }

    /// Minutes of a simulated run at a changing rate, until the alarm has seen three late minutes
    /// in a row.
    fn alarm(people: u64, minutes_to_deadline: i64, rate: impl Fn(i64) -> u64) -> Option<i64> {
        let best = both(465.0, 190.0);
        let (mut settled, mut rates, mut late_minutes) = (0, SettledRate::default(), 0);
        rates.observe(ByEndpoint::default(), at(0));
        for minute in 1..=minutes_to_deadline {
            settled = people.min(settled + 60 * rate(minute));
            let done = ByEndpoint {
                push: settled,
                multicast: 0,
            };
            rates.observe(done, at(minute * 60));
            let run = OpenRun {
                deadline: at(minutes_to_deadline * 60),
                left: ByEndpoint {
                    push: people - settled,
                    multicast: 0,
                },
                rate: rates.per_second(),
                sending_since: at(0),
                is_paused: false,
            };
            let late = Lateness::of(&run, best, at(minute * 60)).at_this_rate;
            late_minutes = match late {
                Some(late) if late > 0.0 => late_minutes + 1,
                _ => 0,
            };
            if late_minutes == 3 {
                return Some(minute);
            }
        }
        None
    }

    #[test]
    fn the_alarm_rings_where_a_run_is_late_and_only_there() {
        let hour = 60;
        assert_eq!(alarm(1_000_000, hour, |_| 400), None, "42 minutes of work");
        assert_eq!(
            alarm(1_000_000, hour, |_| 200),
            Some(3),
            "83 minutes of work"
        );
        assert_eq!(
            alarm(1_000_000, hour, |_| 0),
            Some(3),
            "stands still from the start"
        );
        // 400 a second for ten minutes, then half of that: 240,000 are done, 760,000 take 63 more
        // minutes.
        let falls = alarm(
            1_000_000,
            hour,
            |minute| if minute <= 10 { 400 } else { 200 },
        );
        assert!(falls.is_some_and(|minute| minute <= 14), "{falls:?}");
        let dips = |minute| if (20..22).contains(&minute) { 0 } else { 400 };
        assert_eq!(alarm(1_000_000, hour, dips), None, "two minutes of nothing");
    }
}
