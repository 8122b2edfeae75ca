//! Runs one seed after the other, in several threads.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::check::Broken;
use crate::known::{Finding, known, unexpected};
use crate::plan::Plan;
use crate::run::run;

/// A search for seeds that break an invariant.
#[derive(Clone, Debug)]
pub struct Search {
    seeds: RangeInclusive<u64>,
    threads: usize,
    has_ledger: bool,
}

/// What a seed came to.
#[derive(Clone, Debug)]
pub struct SeedRun {
    /// The seed.
    pub seed: u64,
    /// Whether its plan is the one with a ledger.
    pub has_ledger: bool,
    /// What did not hold.
    pub broken: Vec<Broken>,
    /// A print of everything that happened.
    pub print: u64,
    /// How long the run lasted, in virtual time.
    pub lasted: Duration,
    /// How many requests LINE got.
    pub requests: usize,
    /// How many processes died in the middle.
    pub deaths: u32,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The runs, in the order of their seeds.
    pub runs: Vec<SeedRun>,
    /// How long the search took, in real time.
    pub took: Duration,
}

impl Search {
    /// A search through these seeds, in one thread.
    pub fn new(seeds: RangeInclusive<u64>) -> Self {
        Self {
            seeds,
            threads: 1,
            has_ledger: false,
        }
    }

    /// The same in so many threads. What a seed comes to does not depend on it.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The same with a ledger, an operator, and a store that is down at times.
    #[must_use]
    pub fn with_ledger(self, has_ledger: bool) -> Self {
        Self { has_ledger, ..self }
    }

    /// Runs all seeds.
    pub fn run(&self) -> Found {
        let began = Instant::now();
        let next = AtomicU64::new(*self.seeds.start());
        let runs = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed > *self.seeds.end() {
                            break;
                        }
                        let run = SeedRun::of(seed, self.has_ledger);
                        runs.lock().insert(seed, run);
                    }
                });
            }
        });
        Found {
            runs: runs.into_inner().into_values().collect(),
            took: began.elapsed(),
        }
    }
}

impl SeedRun {
    fn of(seed: u64, has_ledger: bool) -> Self {
        let report = run(&plan(seed, has_ledger));
        Self {
            seed,
            has_ledger,
            broken: report.broken,
            print: report.print,
            lasted: report.lasted,
            requests: report.requests,
            deaths: report.deaths,
        }
    }

    /// What was run.
    pub fn plan(&self) -> Plan {
        plan(self.seed, self.has_ledger)
    }

    /// What did not hold and is not known.
    pub fn unexpected(&self) -> Vec<&Broken> {
        unexpected(&self.plan(), &self.broken)
    }
}

fn plan(seed: u64, has_ledger: bool) -> Plan {
    if has_ledger {
        Plan::drawn_with_ledger(seed)
    } else {
        Plan::drawn(seed)
    }
}

impl Found {
    /// Whether something did not hold that is not known.
    pub fn has_unexpected(&self) -> bool {
        self.runs.iter().any(|run| !run.unexpected().is_empty())
    }

    /// For each finding the seeds that show it and nothing else.
    pub fn seeds_of_findings(&self) -> BTreeMap<Finding, Vec<u64>> {
        let mut seeds: BTreeMap<Finding, Vec<u64>> = BTreeMap::new();
        for run in &self.runs {
            let plan = run.plan();
            for broken in &run.broken {
                if let [finding] = known(&plan, broken)[..] {
                    let seeds = seeds.entry(finding).or_default();
                    if seeds.last() != Some(&run.seed) {
                        seeds.push(run.seed);
                    }
                }
            }
        }
        seeds
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (finding, seeds) in self.seeds_of_findings() {
            let some: Vec<String> = seeds.iter().take(12).map(u64::to_string).collect();
            let some = some.join(", ");
            writeln!(f, "known {finding:?}: {} seeds, as {some}", seeds.len())?;
        }
        let days = self.runs.iter().map(|run| run.lasted.as_secs_f64());
        let days = days.sum::<f64>() / 86_400.0;
        let requests = self.runs.iter().map(|run| run.requests).sum::<usize>();
        let deaths = self.runs.iter().map(|run| run.deaths).sum::<u32>();
        write!(
            f,
            "{} runs, {days:.1} days, {requests} requests to LINE and {deaths} deaths in {:.1} s: \
             {:.0} days a minute",
            self.runs.len(),
            self.took.as_secs_f64(),
            days / self.took.as_secs_f64() * 60.0
        )
    }
}
