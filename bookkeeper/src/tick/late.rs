//! Will a run be late?

use fanline_ledger::{
    Consumers, Control, Lateness, OpenRun, RunControl, RunState, RunSum, RunWatch, best_pace,
    deadline,
};
use jiff::Timestamp;

use crate::runs::RunRules;

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
    let consumers = consumers.unwrap_or_default();
    let best = best_pace(consumers, watch.latency(), control.pace());
    Some(Lateness::of(&open, best, now))
}
