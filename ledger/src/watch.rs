//! What is watched while a run is under way: refusals, lateness, and before it what it will cost.

mod brake;
mod late;
mod plan_cost;
mod rate;

pub use brake::{Brake, BrakeReason, BrakeRule, Refusals, RefusalsInAMinute};
pub use late::{Lateness, OpenRun, best_pace, deadline};
pub use plan_cost::{CostLine, PlannedRun, plan_cost};
pub use rate::SettledRate;
