//! The control of runs: one object that every consumer reads each second.

mod canary;
mod consumers;
mod edit;
mod gate;
mod history;
mod lanes;
mod pace;
mod share;
mod state;
mod switched_off;

pub use canary::{CanaryRule, Sample};
pub use consumers::Consumers;
pub use edit::{Edit, EditError, Entry};
pub use gate::{Gate, gate};
pub use history::PastPace;
pub use pace::pace_of_one;
pub use share::{Share, ShareError};
pub use state::{
    CanaryState, Control, Mapping, Pace, PauseMode, RunControl, RunState, Signature, Stack,
    UrgentLane,
};
pub use switched_off::SwitchedOff;

pub(crate) use history::{PastControl, decode as decode_past};

#[cfg(test)]
mod tests;
