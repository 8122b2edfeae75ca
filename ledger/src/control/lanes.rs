//! What runs of one lane mean for each other: they share a queue, its consumers and its event
//! source mapping.

use fanline_core::campaign::Lane;

use super::state::{Control, Mapping, PauseMode, RunControl, RunState};

/// How a run is paused when nobody says how: it waits, or makes room for the lane's other open
/// runs.
pub(super) fn pause_mode(control: &Control, run: &str, lane: Lane) -> PauseMode {
    let mut others = control.runs.iter().filter(|(name, _)| *name != run);
    let is_shared = others.any(|(_, other)| other.lane == lane && other.state == RunState::Open);
    if is_shared && !control.stack.fifo {
        PauseMode::Park
    } else {
        PauseMode::Wait
    }
}

/// A run of this lane is to be sent. What waits on the same queue would fill the consumers' hands,
/// so it is parked, and the mapping is switched on where it was off.
pub(super) fn make_way(control: &mut Control, lane: Lane) {
    if !control.stack.fifo {
        let paused = control.runs.values_mut().filter(|run| run.lane == lane);
        for run in paused.filter(|run| run.mode == Some(PauseMode::Wait)) {
            run.mode = Some(PauseMode::Park);
        }
    }
    settle_mapping(control, lane);
}

/// The mapping is off exactly while a run of the lane waits and no run has deliveries to be taken:
/// an open one, or a cancelled one whose deliveries have to come to be dropped.
pub(super) fn settle_mapping(control: &mut Control, lane: Lane) {
    let runs = || control.runs.values().filter(|run| run.lane == lane);
    let is_taken = |run: &RunControl| match run.state {
        RunState::Open => true,
        RunState::Cancelled => run.closed.is_none(),
        RunState::Paused | RunState::Done => false,
    };
    let waits = runs().any(|run| run.mode == Some(PauseMode::Wait));
    let stays_off = waits && !runs().any(is_taken);
    let mapping = control.mapping_mut(lane);
    if stays_off {
        *mapping = Some(Mapping::Disabled);
    } else if *mapping == Some(Mapping::Disabled) {
        *mapping = Some(Mapping::Enabled);
    }
}
