//! Workers that come, go, die, sleep and lose answers, around one object with compare-and-swap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::leases::WHOLE;
use super::{LeaseHolder, Leases, Renewal};

/// LINE counts the requests of a second.
const SECOND: u64 = 1_000;
/// A request to the store that takes longer counts as failed.
const TIME_OUT: u64 = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The worker reads: the store sees the read now.
    Read,
    /// The read has come back, and the worker plans.
    Plan,
    /// The store sees the write.
    Write,
    /// The answer to the write is there; or the worker has given it up.
    Answer,
    /// The worker looks at the store again.
    Look,
}

struct Worker {
    holder: LeaseHolder,
    /// Its clock shows so much more than the time.
    clock: u64,
    is_gone: bool,
    read: Option<(u64, Option<Leases>)>,
    renewal: Option<(u64, Renewal, u64)>,
    is_written: bool,
    /// What it used, with the time from which on.
    used: VecDeque<(u64, f64)>,
}

impl Worker {
    fn at(&self, now: u64) -> Duration {
        Duration::from_millis(now + self.clock)
    }

    /// The most that it used in the last second.
    fn most(&mut self, now: u64) -> f64 {
        let lease = self.holder.lease(self.at(now));
        let part = if self.is_gone { 0.0 } else { lease.part };
        let is_news = |last: f64| (last - part).abs() > 1e-9;
        if self.used.back().is_none_or(|(_, last)| is_news(*last)) {
            // A lease ends between two looks.
            let ended = u64::try_from(lease.until.as_millis()).unwrap();
            let ended = ended.saturating_sub(self.clock).min(now);
            let since = if part > 0.0 { now } else { ended };
            self.used.push_back((since, part));
        }
        while self.used.len() > 1 && self.used[1].0 + SECOND <= now {
            self.used.pop_front();
        }
        self.used.iter().map(|(_, part)| *part).fold(0.0, f64::max)
    }
}

struct Model {
    random: StdRng,
    now: u64,
    object: Option<Leases>,
    /// Its version, which every write changes.
    tag: u64,
    workers: Vec<Worker>,
    steps: BinaryHeap<Reverse<(u64, usize, Step)>>,
    /// The largest sum in any second.
    fullest: f64,
    lost: f64,
}

impl Model {
    fn new(seed: u64, lost: f64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            now: 0,
            object: None,
            tag: 0,
            workers: Vec::new(),
            steps: BinaryHeap::new(),
            fullest: 0.0,
            lost,
        }
    }

    fn join(&mut self) {
        let number = self.workers.len();
        self.workers.push(Worker {
            holder: LeaseHolder::new(format!("worker-{number}")),
            clock: self.random.random_range(0..10_000_000),
            is_gone: false,
            read: None,
            renewal: None,
            is_written: false,
            used: VecDeque::new(),
        });
        self.then(number, Step::Read, 0);
    }

    fn then(&mut self, worker: usize, step: Step, after: u64) {
        self.steps.push(Reverse((self.now + after, worker, step)));
    }

    /// The time of a request's way: mostly short.
    fn way(&mut self) -> u64 {
        if self.random.random_bool(0.05) {
            self.random.random_range(100..TIME_OUT + 500)
        } else {
            self.random.random_range(5..60)
        }
    }

    fn run_until(&mut self, end: u64) {
        while self
            .steps
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= end)
        {
            let Some(Reverse((at, worker, step))) = self.steps.pop() else {
                return;
            };
            // Leases end between the steps.
            for now in [self.now + (at - self.now) / 2, at] {
                self.now = now;
                self.measure();
            }
            if !self.workers[worker].is_gone {
                self.step(worker, step);
            }
            self.measure();
        }
        self.now = end;
        self.measure();
    }

    fn measure(&mut self) {
        let now = self.now;
        let sum = self.workers.iter_mut().map(|worker| worker.most(now)).sum();
        self.fullest = self.fullest.max(sum);
    }

    fn step(&mut self, number: usize, step: Step) {
        let (way, is_lost) = (self.way(), self.random.random_bool(self.lost));
        let now = self.now;
        let worker = &mut self.workers[number];
        match step {
            Step::Read => {
                worker.read = (!is_lost).then(|| (self.tag, self.object.clone()));
                self.then(number, Step::Plan, way);
            }
            Step::Plan => {
                let Some((tag, object)) = worker.read.take().filter(|_| way < TIME_OUT) else {
                    return self.then(number, Step::Read, 500);
                };
                let at = worker.at(now);
                let renewal = worker.holder.renew(object, at, jiff::Timestamp::UNIX_EPOCH);
                worker.renewal = Some((tag, renewal, now));
                worker.is_written = false;
                self.then(number, Step::Write, way);
                let back = self.way();
                self.then(number, Step::Answer, (way + back).min(TIME_OUT));
            }
            // It may come long after the worker has given it up.
            Step::Write => {
                if let Some((tag, renewal, _)) = &worker.renewal
                    && *tag == self.tag
                {
                    self.object = Some(renewal.leases.clone());
                    self.tag += 1;
                    worker.is_written = !is_lost;
                }
            }
            Step::Answer => {
                let is_known = std::mem::take(&mut worker.is_written) && way < TIME_OUT;
                let Some((_, renewal, began)) = worker.renewal.clone().filter(|_| is_known) else {
                    return self.then(number, Step::Read, 50 + way);
                };
                let began = worker.at(began);
                worker.holder.written(&renewal, began);
                self.then(number, Step::Look, 0);
            }
            Step::Look => {
                let next = worker.holder.next(worker.at(now)).as_millis();
                let next = u64::try_from(next).unwrap();
                self.then(number, Step::Read, next);
            }
        }
    }

    fn in_use(&self) -> Vec<f64> {
        let there = self.workers.iter().filter(|worker| !worker.is_gone);
        let parts = there.map(|worker| worker.holder.lease(worker.at(self.now)).part);
        parts.collect()
    }
}

/// What happens between two looks.
#[derive(Debug, Clone)]
enum Mishap {
    Join,
    /// It stops, and gives its lease back after a while.
    Leave(usize),
    /// It is gone without a word.
    Die(usize),
    /// It does nothing for so many seconds, and believes that no time has passed for its requests.
    Sleep(usize, u64),
    /// Somebody deletes the object.
    Delete,
    Wait(u64),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        4 => Just(Mishap::Join),
        2 => (0..8_usize).prop_map(Mishap::Leave),
        2 => (0..8_usize).prop_map(Mishap::Die),
        2 => (0..8_usize, 1..40_u64).prop_map(|(who, time)| Mishap::Sleep(who, time)),
        1 => Just(Mishap::Delete),
        6 => (0..25_u64).prop_map(Mishap::Wait),
    ]
}

fn happen(model: &mut Model, mishap: &Mishap) {
    let there = |model: &Model, which: usize| {
        let there = model.workers.iter().enumerate();
        let there: Vec<_> = there
            .filter(|(_, one)| !one.is_gone)
            .map(|(n, _)| n)
            .collect();
        there.get(which % there.len().max(1)).copied()
    };
    match mishap {
        Mishap::Join => model.join(),
        Mishap::Wait(seconds) => model.run_until(model.now + seconds * 1_000),
        Mishap::Die(which) => {
            if let Some(which) = there(model, *which) {
                model.workers[which].is_gone = true;
            }
        }
        Mishap::Delete => {
            model.object = None;
            model.tag += 1;
        }
        Mishap::Sleep(which, seconds) => {
            let Some(which) = there(model, *which) else {
                return;
            };
            let later = |Reverse((at, worker, step)): Reverse<(u64, usize, Step)>| {
                let more = if worker == which { seconds * 1_000 } else { 0 };
                Reverse((at + more, worker, step))
            };
            model.steps = std::mem::take(&mut model.steps)
                .into_iter()
                .map(later)
                .collect();
        }
        Mishap::Leave(which) => {
            let Some(which) = there(model, *which) else {
                return;
            };
            let at = model.workers[which].at(model.now);
            model.workers[which].holder.stop(at);
            model.measure();
            let settle = u64::try_from(LeaseHolder::settle().as_millis()).unwrap();
            // It renews nothing meanwhile.
            let steps = std::mem::take(&mut model.steps).into_iter();
            model.steps = steps
                .filter(|Reverse((_, worker, _))| *worker != which)
                .collect();
            model.run_until(model.now + settle);
            if let Some(left) = model.workers[which].holder.left(model.object.clone()) {
                model.object = Some(left);
                model.tag += 1;
            }
            model.workers[which].is_gone = true;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// In no second do the workers use more than the whole together, whatever happens. And when all
    /// is quiet, each has its equal part.
    #[test]
    fn the_parts_in_use_are_never_more_than_the_whole(
        seed in any::<u64>(),
        lost in prop_oneof![Just(0.0), 0.0..0.4_f64],
        mishaps in prop::collection::vec(mishap(), 1..24),
    ) {
        let mut model = Model::new(seed, lost);
        for mishap in &mishaps {
            happen(&mut model, mishap);
            prop_assert!(model.fullest <= 1.0 + 1e-9, "{} at {}", model.fullest, model.now);
        }
        model.lost = 0.0;
        // A worker may sleep for as long as all sleeps of the case together.
        model.run_until(model.now + 24 * 40_000 + 120_000);
        prop_assert!(model.fullest <= 1.0 + 1e-9, "{}", model.fullest);
        let parts = model.in_use();
        let equal = 1.0 / f64::from(u32::try_from(parts.len().max(1)).unwrap());
        for part in parts {
            prop_assert!((part - equal).abs() < 2e-6, "{part}, and {equal} is equal");
        }
    }
}

#[test]
fn a_newcomer_sends_once_the_others_have_made_room_and_a_leaver_makes_room_at_once() {
    let mut model = Model::new(7, 0.0);
    model.join();
    model.run_until(10_000);
    assert_eq!(model.in_use(), [0.0], "nobody knows who is at work already");
    model.run_until(30_000);
    assert_eq!(model.in_use(), [1.0]);
    model.join();
    model.run_until(30_600);
    assert_eq!(model.in_use(), [1.0, 0.0]);
    model.run_until(40_000);
    assert_eq!(model.in_use(), [0.5, 0.5]);
    happen(&mut model, &Mishap::Leave(0));
    model.run_until(model.now + 5_000);
    assert_eq!(model.in_use(), [1.0]);
    model.join();
    model.run_until(model.now + 10_000);
    happen(&mut model, &Mishap::Die(0));
    model.run_until(model.now + 12_000);
    assert_eq!(model.in_use(), [0.5], "it may only be slow");
    model.run_until(model.now + 12_000);
    assert_eq!(model.in_use(), [1.0]);
}

/// The object is deleted right after a worker has opened it, before anybody has read it again.
#[test]
fn a_deleted_object_is_closed_anew_also_for_who_had_just_opened_it() {
    let mut model = Model::new(3, 0.0);
    model.join();
    model.join();
    while !model.object.as_ref().is_some_and(|object| object.open) {
        model.run_until(model.now + 10);
    }
    happen(&mut model, &Mishap::Delete);
    model.run_until(model.now + 60_000);
    assert!(model.fullest <= 1.0, "{}", model.fullest);
    assert_eq!(model.in_use(), [0.5, 0.5]);
}

#[test]
fn an_object_by_hand_can_not_give_out_more_than_the_whole() {
    let lease = |part: u32| {
        format!(r#"{{"part":{part},"renewals":1,"renewed_at":"2026-12-25T00:00:00Z"}}"#)
    };
    let object = |one: u32, other: u32| {
        let (one, other) = (lease(one), lease(other));
        format!(r#"{{"v":1,"open":true,"workers":{{"a":{one},"b":{other}}}}}"#)
    };
    let whole = Leases::decode(object(WHOLE - 1, 1).as_bytes()).unwrap();
    assert_eq!(whole.workers(), 2);
    assert_eq!(Leases::decode(&whole.encode()), Ok(whole));
    let error = Leases::decode(object(WHOLE, 1).as_bytes()).unwrap_err();
    let expected = "`workers.json`: field `workers`: has parts of more than 1000000 together";
    assert_eq!(error.to_string(), expected);
}
