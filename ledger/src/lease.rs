//! Leases: workers that come and go share LINE's limits, whatever their number is.
//!
//! Each worker has a lease in one object, with the part of the limits that it may use. The parts in
//! the object never add up to more than the whole. A worker uses no more than its part: it lowers
//! its pace before it writes a smaller part down, and raises it after it has written a larger one.
//! A worker that can't renew its lease stops sending before the others take its part.
//!
//! No clock of the day is compared: each worker measures on its own clock for how long it has seen
//! a lease unchanged.
//!
//! # Layout
//! - `leases`: the object
//! - `holder`: one worker's view of it, with the time as a parameter

mod holder;
mod leases;
#[cfg(test)]
mod tests;

pub use holder::{Lease, LeaseHolder, Renewal};
pub use leases::Leases;
