//! What the ledger says of a run beyond its status: its slices, its course and its pace.

use fanline_ledger::{
    ByEndpoint, Control, OthersOverTime, Pace, PeopleOverTime, RunSum, RunWatch, SliceId, Tally,
};

/// What the ledger says of a run beyond its status.
#[derive(Debug, Default)]
pub(crate) struct RunDetails {
    /// How many people were accepted when.
    pub(crate) accepted_over_time: PeopleOverTime,
    /// How many got each other outcome when.
    pub(crate) others_over_time: OthersOverTime,
    /// The people that LINE has answered for, and the deliveries that they are in.
    pub(crate) settled_people: u64,
    pub(crate) settled: ByEndpoint<u64>,
    /// Settled deliveries a second, where the bookkeeper has seen them.
    pub(crate) settled_per_second: Option<ByEndpoint<f64>>,
    /// LINE's median latency in milliseconds.
    pub(crate) latency_ms: Option<u32>,
    /// The slices in the order of the list.
    pub(crate) slices: Vec<SliceRow>,
    /// How often the run's waiting people were published again.
    pub(crate) sweeps: usize,
    /// The pace that an operator has set for the whole stack.
    pub(crate) pace: Pace,
}

/// How far one slice is.
#[derive(Debug)]
pub(crate) struct SliceRow {
    pub(crate) slice: SliceId,
    pub(crate) rows: u64,
    /// The people that are sent to; `None` before the slice was read.
    pub(crate) recipients: Option<u64>,
    pub(crate) is_published: bool,
    pub(crate) accepted: u64,
    /// The people with any outcome.
    pub(crate) settled: u64,
}

impl RunDetails {
    pub(crate) fn new(
        sum: &RunSum,
        watch: &RunWatch,
        control: Option<&Control>,
        tally: &Tally,
    ) -> Self {
        Self {
            accepted_over_time: tally.accepted_over_time.clone(),
            others_over_time: tally.others_over_time.clone(),
            settled_people: tally.people.all(),
            settled: tally.settled,
            settled_per_second: watch.rate.per_second(),
            latency_ms: watch.latency_ms,
            slices: slices(sum),
            sweeps: watch.sweeps.len(),
            pace: control.map(Control::pace).unwrap_or_default(),
        }
    }
}

/// Every slice of the list, and the samples of canaries before the slices that they are taken of.
fn slices(sum: &RunSum) -> Vec<SliceRow> {
    let rows_of = sum.lines.0.iter().flat_map(|line| {
        let sample = line.slice.canary();
        let sample = sum.counts.get(&sample).map(|counts| (sample, counts.rows));
        let others = line.rows - sample.map_or(0, |(_, rows)| rows.min(line.rows));
        sample.into_iter().chain([(line.slice, others)])
    });
    rows_of
        .map(|(slice, rows)| {
            let counts = sum.counts.get(&slice);
            let people = sum.tallies.get(&slice).map(|tally| tally.people);
            SliceRow {
                slice,
                rows,
                recipients: counts.map(|counts| counts.recipients),
                is_published: counts.is_some_and(|counts| counts.published),
                accepted: people.map_or(0, |people| people.accepted),
                settled: people.map_or(0, |people| people.all()),
            }
        })
        .collect()
}
