//! Will a run be late?

use std::time::Duration;

use fanline_ledger::{
    ByEndpoint, Consumers, Control, Lateness, OpenRun, RunControl, RunState, RunSum, RunWatch,
    best_pace, deadline,
};
use jiff::Timestamp;

use crate::runs::RunRules;

/// LINE's median latency where none was seen yet.
const USUAL_LATENCY: Duration = Duration::from_millis(150);

/// How late a run will be; `None` while nothing of it is published, so that nobody knows how many
/// requests it needs.
pub(crate) fn lateness(
    control: &Control,
    run: &RunControl,
    rules: &RunRules,
    sum: &RunSum,
    watch: &RunWatch,
    consumers: Option<Consumers>,
    now: Timestamp,
) -> Option<Lateness> {
    let open = OpenRun {
        deadline: deadline(rules.started_at, run.expires_at(rules.expires_at)),
        left: sum.deliveries_expected()?,
        rate: watch.rate.per_second(),
        sending_since: sum.tally().first.unwrap_or(now),
        is_paused: run.state == RunState::Paused,
    };
    let latency = watch.latency_ms.map(u64::from).map(Duration::from_millis);
    let best: ByEndpoint<f64> = best_pace(
        consumers.unwrap_or_default(),
        latency.unwrap_or(USUAL_LATENCY),
        control.pace(),
    );
    Some(Lateness::of(&open, best, now))
}
