//! One run, from its plan to its report.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{self, Broken};
use crate::log::Happened;
use crate::plan::Plan;
use crate::world::World;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// What did not hold.
    pub broken: Vec<Broken>,
    /// A print of everything that happened, in its order. Two runs with the same print were equal.
    pub print: u64,
    /// How long it lasted, in virtual time.
    pub lasted: Duration,
    /// How many deliveries were on the queue.
    pub deliveries: usize,
    /// How many requests LINE got.
    pub requests: usize,
    /// How many processes died in the middle.
    pub deaths: u32,
    /// When the first and the last request for each run began, of deliveries that had not been
    /// asked for before.
    pub first_requests: BTreeMap<String, (Duration, Duration)>,
    /// How many deliveries could be received, and when that was counted.
    pub waiting: Vec<(Duration, usize)>,
    /// How many requests each process made, in the order of their starts.
    pub process_requests: Vec<u64>,
}

/// Runs a plan to its end, and checks every invariant.
pub fn run(plan: &Plan) -> RunReport {
    // The SDK draws the waits between its attempts from this thread's source.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let ended = runtime
        .expect("a runtime without input and output")
        .block_on(async { World::build(plan).run().await });
    RunReport {
        broken: check::all(plan, &ended),
        print: ended.happened.print,
        lasted: ended.lasted,
        deliveries: ended.happened.deliveries.len(),
        requests: ended.happened.arrivals.len(),
        first_requests: first_requests(&ended.happened),
        waiting: waiting(&ended.happened),
        deaths: ended.happened.deaths,
        process_requests: ended.process_requests,
    }
}

fn waiting(happened: &Happened) -> Vec<(Duration, usize)> {
    let samples = happened.samples.iter();
    let samples = samples.map(|sample| (Duration::from_millis(sample.at), sample.visible));
    samples.collect()
}

fn first_requests(happened: &Happened) -> BTreeMap<String, (Duration, Duration)> {
    let mut times = BTreeMap::new();
    for delivery in &happened.deliveries {
        let Some(at) = delivery.first_asked.map(Duration::from_millis) else {
            continue;
        };
        let (first, last) = times.entry(delivery.run.clone()).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
    }
    times
}
