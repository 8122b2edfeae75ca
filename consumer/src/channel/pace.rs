//! How fast this environment may send: its share of the channel's limit, and less after a 429.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use fanline_core::surroundings::Clock;
use governor::clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use parking_lot::Mutex;

/// A second's share is spread over this time. LINE counts arrivals and we count departures, so a
/// request may travel for 50 ms longer than the one before it, and still no second holds more than
/// the limit. It costs a twentieth of the speed.
const WINDOW: Duration = Duration::from_millis(1_050);
/// Multiplicative decrease: the part of the pace that is left after a 429. A whole batch of ten
/// leaves a third.
const DECREASE: f64 = 0.9;
/// Additive increase with each accepted request: a hundred of them bring back half of the share.
/// Increase and decrease balance where about one response in twenty is a 429. So a single 429
/// hardly matters, and many of them bring the pace down.
const INCREASE: f64 = 0.005;
/// The pace never falls below this part of the share. It must go on to find out that it may rise.
const MIN_FACTOR: f64 = 0.05;

/// The burst, in parts of a second's share. Timers tick once a millisecond. What a late tick missed
/// may follow at once, since no pace over a thousand a second could be kept otherwise.
const BURST: f64 = 0.005;
/// From this pace on the burst is at least two. That lowers the pace by one request a second. At
/// 200 a second, late ticks would cost a sixth of the speed.
const CATCH_UP_FROM: f64 = 50.0;

/// The pace of one endpoint in one environment.
///
/// Departures are spaced evenly. The burst is one below 50 a second, two below 600, and five
/// milliseconds' worth above. The pace is lowered by the burst, so that no second holds more than
/// the share. The shares of all environments add up to the limit, whatever their phases are.
///
/// A larger burst would not help: all environments would send theirs at the same moment.
///
/// After a cold start the first turn comes after one space, because the environment that this one
/// replaces may have sent just before it died.
pub(crate) struct Pace<C: clock::Clock = TokioClock> {
    share: f64,
    clock: C,
    state: Mutex<State<C>>,
}

struct State<C: clock::Clock> {
    /// The part of the share that is allowed now.
    factor: f64,
    /// The factor that `limiter` was made for.
    limiter_factor: f64,
    limiter: Limiter<C>,
}

type Limiter<C> =
    RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as clock::Clock>::Instant>>;

/// Tokio's clock: the one that the sleep between two turns goes by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokioClock;

impl clock::Clock for TokioClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl Pace {
    /// A pace of `share` requests a second.
    pub(crate) fn new(share: f64) -> Self {
        Self::with_clock(share, TokioClock)
    }
}

impl<C: clock::Clock + Clone> Pace<C> {
    /// The same with the caller's clock.
    pub(crate) fn with_clock(share: f64, clock: C) -> Self {
        let state = State {
            factor: 1.0,
            limiter_factor: 1.0,
            limiter: limiter(share, 1.0, &clock),
        };
        Self {
            share,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Waits for the next turn. `false`: it would come after `latest`. Then it does not wait.
    pub(crate) async fn turn(&self, latest: Timestamp, day: &Clock) -> bool {
        loop {
            let Err(wait) = self.take_turn() else {
                return true;
            };
            let room = Duration::try_from(latest.duration_since(day.now()));
            if room.is_ok_and(|room| wait <= room) {
                tokio::time::sleep(wait).await;
            } else {
                return false;
            }
        }
    }

    /// Takes the next turn, or says how long to wait before the next try.
    pub(crate) fn take_turn(&self) -> Result<(), Duration> {
        let mut state = self.state.lock();
        let now = self.clock.now();
        if let Err(not_until) = state.limiter.check() {
            return Err(not_until.wait_time_from(now));
        }
        // The pace rises only when a turn is taken: the space after it is the new, shorter one.
        if state.factor > state.limiter_factor {
            self.renew_limiter(&mut state);
        }
        Ok(())
    }

    /// After a 429: a slower pace, at once.
    pub(crate) fn slow_down(&self) {
        let mut state = self.state.lock();
        state.factor = (state.factor * DECREASE).max(MIN_FACTOR);
        self.renew_limiter(&mut state);
    }

    /// After an accepted request: a little faster, up to the share.
    pub(crate) fn speed_up(&self) {
        let mut state = self.state.lock();
        state.factor = (state.factor + INCREASE).min(1.0);
    }

    /// Requests a second, as of now.
    pub(crate) fn per_second(&self) -> f64 {
        let factor = self.state.lock().factor;
        1.0 / space(self.share, factor).as_secs_f64()
    }

    fn renew_limiter(&self, state: &mut State<C>) {
        state.limiter_factor = state.factor;
        state.limiter = limiter(self.share, state.factor, &self.clock);
    }
}

/// A limiter whose first turn comes after one space, as if its whole burst had just been taken.
#[expect(
    clippy::expect_used,
    reason = "a share is at most `MAX_PER_SECOND`, and a space is over 10 microseconds then"
)]
fn limiter<C: clock::Clock + Clone>(share: f64, factor: f64, clock: &C) -> Limiter<C> {
    let burst = burst(share);
    let quota = Quota::with_period(space(share, factor))
        .expect("a space is not zero")
        .allow_burst(burst);
    let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
    // A new limiter has its whole burst to give. This takes it.
    drop(limiter.check_n(burst));
    limiter
}

/// The time between two departures. With the burst, a whole number of them fits in a window:
/// fractions would add up over the environments.
fn space(share: f64, factor: f64) -> Duration {
    let a_second = if share >= 1.0 { share.floor() } else { share };
    let extra = f64::from(burst(share).get() - 1);
    WINDOW.div_f64((a_second - extra) * factor)
}

/// How many may depart at once.
fn burst(share: f64) -> NonZeroU32 {
    const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a positive share; `as` saturates"
    )]
    let burst = (share * BURST) as u32;
    let min = if share >= CATCH_UP_FROM {
        TWO
    } else {
        NonZeroU32::MIN
    };
    NonZeroU32::new(burst).map_or(min, |burst| burst.max(min))
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    type Step = (u64, u8, u64);

    fn step() -> impl Strategy<Value = Step> {
        let idle = prop_oneof![Just(0), 0..SECOND / 10, 0..3 * SECOND];
        (idle, 0u8..30, 0u64..50_000_000)
    }

    /// The arrivals of one environment's requests. A step is: how long it waits before it asks,
    /// what came back before (0: a 429), and how long its request travels. In nanoseconds.
    fn arrivals(share: f64, steps: &[Step]) -> Vec<u64> {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(share, clock.clone());
        let mut now = 0;
        let mut arrivals = Vec::new();
        let mut go = |by: u64| {
            clock.advance(Duration::from_nanos(by));
            now += by;
            now
        };
        for (idle, event, road) in steps {
            go(*idle);
            match event {
                0 => pace.slow_down(),
                _ => pace.speed_up(),
            }
            let mut at = go(0);
            while let Err(wait) = pace.take_turn() {
                at = go(u64::try_from(wait.as_nanos()).unwrap().max(1));
            }
            arrivals.push(at + road);
        }
        arrivals
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// The model: every environment has its share of the limit, asks at any time, and its
        /// requests travel for up to 50 ms.
        #[test]
        fn no_second_holds_more_than_the_limit_over_all_environments(
            limit in prop::sample::select(vec![7u32, 20, 200, 2_000]),
            environments in prop::collection::vec(prop::collection::vec(step(), 1..200), 1..7),
        ) {
            let share = f64::from(limit) / f64::from(u32::try_from(environments.len()).unwrap());
            let mut all: Vec<u64> = environments
                .iter()
                .flat_map(|steps| arrivals(share, steps))
                .collect();
            all.sort_unstable();
            for (i, from) in all.iter().enumerate() {
                let within = all[i..].iter().take_while(|at| **at < from + SECOND).count();
                prop_assert!(
                    within <= usize::try_from(limit).unwrap(),
                    "{within} arrivals in the second from {from}"
                );
            }
        }
    }

    #[test]
    fn an_even_stream_goes_at_the_share_but_for_the_slack() {
        let arrivals = arrivals(200.0, &vec![(0, 1, 0); 2_001]);
        let seconds = Duration::from_nanos(arrivals[2_000] - arrivals[0]).as_secs_f64();
        assert!((10.0..10.6).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_whole_channels_pace_is_kept_by_one_environment_whose_timer_ticks_once_a_millisecond() {
        for (share, kept) in [
            (50.0, 46.0..47.0),
            (200.0, 189.0..190.0),
            (2_000.0, 1_890.0..1_905.0),
        ] {
            let clock = FakeRelativeClock::default();
            let pace = Pace::with_clock(share, clock.clone());
            let mut turns = 0;
            for tick in 0..10_000 {
                // Now and then the machine is three milliseconds late.
                clock.advance(Duration::from_millis(if tick % 50 == 0 { 3 } else { 1 }));
                while pace.take_turn().is_ok() {
                    turns += 1;
                }
            }
            let a_second = f64::from(turns) / 10.4;
            assert!(kept.contains(&a_second), "{share}: {a_second}");
        }
    }

    #[test]
    fn a_batch_of_429s_leaves_a_third_and_a_hundred_taken_requests_bring_half_back() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(100.0, clock.clone());
        let whole = pace.per_second();
        for _ in 0..10 {
            pace.slow_down();
        }
        let third = pace.per_second() / whole;
        assert!((0.33..0.36).contains(&third), "{third}");
        for _ in 0..100 {
            pace.speed_up();
        }
        let back = pace.per_second() / whole - third;
        assert!((back - 0.5).abs() < 0.001, "{back}");
        for _ in 0..1_000 {
            pace.speed_up();
        }
        assert!(
            (pace.per_second() - whole).abs() < 1e-9,
            "never over the share"
        );
    }

    #[test]
    fn a_lowered_pace_is_kept_to_from_that_moment() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(100.0, clock.clone());
        clock.advance(Duration::from_secs(1));
        for _ in 0..7 {
            pace.slow_down();
        }
        assert!(pace.take_turn().unwrap_err() > Duration::from_millis(20));
        clock.advance(Duration::from_millis(23));
        assert!(pace.take_turn().is_ok());
        assert!(pace.take_turn().unwrap_err() > Duration::from_millis(20));
    }

    #[test]
    fn many_429s_never_stop_it() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with_clock(100.0, clock.clone());
        for _ in 0..500 {
            pace.slow_down();
        }
        assert!(pace.per_second() > 4.0);
        clock.advance(Duration::from_secs(1));
        assert!(pace.take_turn().is_ok());
    }

    #[test]
    fn a_share_below_one_a_second_is_kept() {
        let arrivals = arrivals(0.2, &[(0, 1, 0); 4]);
        assert!(arrivals.windows(2).all(|two| two[1] - two[0] >= 5 * SECOND));
    }
}
