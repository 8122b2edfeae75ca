//! What is watched while a run is under way: refusals, lateness and whom nothing reaches any more,
//! and before it what it will cost.

mod brake;
mod late;
mod plan_cost;
mod rate;
mod run_watch;

pub use brake::{Brake, BrakeReason, BrakeRule, Refusals, RefusalsInAMinute};
pub use late::{Lateness, OpenRun, best_pace, deadline};
pub use plan_cost::{CostLine, PlannedRun, plan_cost};
pub use rate::SettledRate;
pub use run_watch::RunWatch;
