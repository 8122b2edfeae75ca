//! What the pages show of the ledgers, in words and coordinates.
//!
//! - `runs`: the list of runs; `run`: one run, with its `figures` and its `course`

mod course;
mod figures;
mod run;
mod runs;

pub(super) use course::chart;
pub(super) use run::{Beside, RunView};
pub(super) use runs::StackView;
