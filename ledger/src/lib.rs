//! What became of each delivery of a run, and the control of runs: decisions that need no network
//! and no clock.

mod at;

pub use at::{At, AtError, Positions, SliceId};
