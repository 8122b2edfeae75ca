#![expect(
    clippy::unchecked_time_subtraction,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers, and times in their order"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(10);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Waits for a turn and takes it. Timers are late by `late`.
fn turn(kernel: &mut Kernel, mut now: Duration, late: Duration) -> Duration {
    while let Err(wait) = kernel.take_turn(now) {
        now += wait + late;
    }
    now
}

/// An environment that is busy all the time takes so many turns, each as early as it may.
fn busy(share: f64, turns: usize) -> Vec<Duration> {
    let mut kernel = Kernel::new(share, START);
    kernel.begin(START);
    let mut now = START;
    (0..turns)
        .map(|_| {
            now = turn(&mut kernel, now, Duration::ZERO);
            now
        })
        .collect()
}

/// The most arrivals in any second.
fn most_in_a_second(mut arrivals: Vec<Duration>) -> usize {
    arrivals.sort_unstable();
    let mut from = 0;
    let mut most = 0;
    for (i, at) in arrivals.iter().enumerate() {
        while arrivals[from] + SECOND <= *at {
            from += 1;
        }
        most = most.max(i + 1 - from);
    }
    most
}

/// An invocation: which of the idle environments gets it, the time before it, the turns that it
/// takes with the time between two, what comes back (0: a 429), and how long its answers take.
#[derive(Debug, Clone)]
struct Invocation {
    environment: usize,
    gap: Duration,
    turns: Vec<(Duration, u8, Duration)>,
    answer: Duration,
}

fn invocation() -> impl Strategy<Value = Invocation> {
    let gap = prop_oneof![Just(0), 0u64..10, 0u64..60, 0u64..3_000].prop_map(ms);
    let pause = prop_oneof![9 => Just(0), 1 => 0u64..400].prop_map(ms);
    let travel = (0u64..50).prop_map(ms);
    (
        0usize..64,
        gap,
        prop::collection::vec((pause, 0u8..40, travel), 0..12),
        (0u64..200).prop_map(ms),
    )
        .prop_map(|(environment, gap, turns, answer)| Invocation {
            environment,
            gap,
            turns,
            answer,
        })
}

/// The arrivals of all requests, where at most `slots` invocations run at once and any of the
/// environments may get the next one.
fn arrivals(limit: f64, slots: usize, warm: usize, work: &[Invocation]) -> Vec<Duration> {
    let share = limit / slots as f64;
    let mut environments: Vec<(Kernel, Duration)> = (0..warm)
        .map(|_| (Kernel::new(share, START), START))
        .collect();
    let mut free: BinaryHeap<Reverse<Duration>> = (0..slots).map(|_| Reverse(START)).collect();
    let mut arrivals = Vec::new();
    for invocation in work {
        let Reverse(slot_free) = free.pop().unwrap();
        let mut now = slot_free + invocation.gap;
        let idle: Vec<usize> = (0..warm).filter(|i| environments[*i].1 <= now).collect();
        let chosen = idle[invocation.environment % idle.len()];
        let (kernel, busy_until) = &mut environments[chosen];
        kernel.begin(now);
        for (pause, event, travel) in &invocation.turns {
            now = turn(kernel, now + *pause, Duration::ZERO);
            arrivals.push(now + *travel);
            match event {
                0 => kernel.slow_down(),
                _ => kernel.speed_up(),
            }
        }
        if !invocation.turns.is_empty() {
            now += invocation.answer;
        }
        now += kernel.unpaid(now);
        kernel.end(now);
        *busy_until = now;
        free.push(Reverse(now));
    }
    arrivals
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The model has more environments than shares. They take the slots by turns.
    #[test]
    fn no_second_holds_more_than_the_limit_over_all_warm_environments(
        limit in prop::sample::select(vec![7u32, 20, 200, 2_000]),
        slots in 1usize..7,
        spare in 0usize..20,
        work in prop::collection::vec(invocation(), 1..120),
    ) {
        let most = most_in_a_second(arrivals(f64::from(limit), slots, slots + spare, &work));
        prop_assert!(most <= limit as usize, "{most} arrivals in a second");
    }
}

#[test]
fn five_environments_by_turns_on_one_slot_send_no_more_than_its_share() {
    let work: Vec<Invocation> = (0..400)
        .map(|n| Invocation {
            environment: n / 7,
            gap: ms(1),
            turns: vec![(Duration::ZERO, 1, Duration::ZERO)],
            answer: ms(2),
        })
        .collect();
    for warm in [1, 2, 5, 400] {
        let most = most_in_a_second(arrivals(20.0, 1, warm, &work));
        assert!((18..=20).contains(&most), "{warm} warm: {most}");
    }
}

/// The default stack: 40 environments share 2,000 pushes a second, and an answer takes 150 ms.
#[test]
fn batches_of_ten_reach_95_percent_of_the_limit_where_answers_take_150_ms() {
    let share = 2_000.0 / 40.0;
    let (mut kernel, mut now, mut turns) = (Kernel::new(share, START), START, 0);
    // The window is used up at first: one second does not count.
    let (from, until) = (START + SECOND * 2, START + SECOND * 62);
    while now < until {
        kernel.begin(now);
        for _ in 0..10 {
            now = turn(&mut kernel, now, ms(1));
            turns += u32::from((from..until).contains(&now));
        }
        now += ms(150);
        let unpaid = kernel.unpaid(now);
        now += unpaid + if unpaid.is_zero() { ms(0) } else { ms(1) };
        kernel.end(now);
        // Until Lambda hands over the next batch.
        now += ms(5);
    }
    let a_second = 40.0 * f64::from(turns) / 60.0;
    assert!((1_900.0..=2_000.0).contains(&a_second), "{a_second}");
}

#[test]
fn a_busy_environment_sends_its_share_but_for_the_slack() {
    for share in [1.0, 20.0, 200.0, 2_000.0] {
        let turns = busy(share, 4 * share as usize + 1);
        let seconds = (turns[turns.len() - 1] - turns[0]).as_secs_f64();
        assert!((4.15..4.25).contains(&seconds), "{share}: {seconds}");
    }
}

#[test]
fn a_whole_channels_pace_is_kept_by_one_environment_whose_timer_ticks_once_a_millisecond() {
    for (share, factor, kept) in [
        (50.0, 1.0, 47.0..48.0),
        (200.0, 1.0, 190.0..191.0),
        (2_000.0, 1.0, 1_890.0..1_905.0),
        (2_000.0, 0.9, 1_700.0..1_715.0),
    ] {
        let mut kernel = Kernel::new(share, START);
        kernel.factor = factor;
        kernel.begin(START);
        let (mut now, mut turns) = (START, 0);
        for tick in 0..10_000 {
            // Now and then the machine is three milliseconds late.
            now += ms(if tick % 50 == 0 { 3 } else { 1 });
            while kernel.take_turn(now).is_ok() {
                turns += 1;
            }
        }
        let a_second = f64::from(turns) / 10.4;
        assert!(kept.contains(&a_second), "{share}: {a_second}");
    }
}

#[test]
fn after_a_cold_start_or_a_long_gap_the_pace_is_even_and_not_a_full_bucket() {
    let even = |kernel: &mut Kernel, from: Duration| {
        kernel.begin(from);
        for n in 1..=20u32 {
            let at = turn(kernel, from, Duration::ZERO);
            assert_eq!(at, from + kernel.space * n, "turn {n}");
        }
        kernel.end(from + SECOND * 2);
    };
    let mut kernel = Kernel::new(20.0, START);
    even(&mut kernel, START);
    even(&mut kernel, START + SECOND * 60);
}

#[test]
fn an_invocation_stays_open_for_one_space_a_turn() {
    let mut kernel = Kernel::new(20.0, START);
    kernel.begin(START);
    let at = turn(&mut kernel, START, Duration::ZERO);
    assert_eq!(kernel.unpaid(at), kernel.space - kernel.credit());
    kernel.begin(at);
    assert_eq!(
        kernel.unpaid(at),
        Duration::ZERO,
        "another one keeps it open"
    );
}

#[test]
fn a_batch_of_429s_leaves_a_third_and_a_hundred_taken_requests_bring_half_back() {
    let mut kernel = Kernel::new(100.0, START);
    let whole = kernel.per_second();
    (0..10).for_each(|_| kernel.slow_down());
    let third = kernel.per_second() / whole;
    assert!((0.33..0.36).contains(&third), "{third}");
    (0..100).for_each(|_| kernel.speed_up());
    let back = kernel.per_second() / whole - third;
    assert!((back - 0.5).abs() < 0.001, "{back}");
    (0..1_000).for_each(|_| kernel.speed_up());
    assert!((kernel.per_second() - whole).abs() < 1e-9, "the share");
}

#[test]
fn a_part_of_the_pace_is_kept_to_until_it_is_said_again() {
    let mut kernel = Kernel::new(100.0, START);
    kernel.begin(START);
    let whole = kernel.per_second();
    kernel.keep_to_part(0.1);
    assert!((kernel.per_second() * 10.0 - whole).abs() < 1e-9);
    let first = turn(&mut kernel, START + SECOND, Duration::ZERO);
    let second = turn(&mut kernel, first, Duration::ZERO);
    assert!((ms(95)..ms(108)).contains(&(second - first)));
    kernel.keep_to_part(1.0);
    assert!((kernel.per_second() - whole).abs() < 1e-9);
}

#[test]
fn many_429s_never_stop_it() {
    let mut kernel = Kernel::new(100.0, START);
    kernel.begin(START);
    (0..500).for_each(|_| kernel.slow_down());
    assert!(kernel.per_second() > 4.0);
    let first = turn(&mut kernel, START + SECOND, Duration::ZERO);
    let second = turn(&mut kernel, first, Duration::ZERO);
    assert!((ms(190)..ms(215)).contains(&(second - first)));
}

#[test]
fn a_share_below_one_a_second_is_kept() {
    let turns = busy(0.2, 4);
    assert!(turns.windows(2).all(|two| two[1] - two[0] >= SECOND * 5));
}
