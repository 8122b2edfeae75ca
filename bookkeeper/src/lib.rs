//! The bookkeeper: outcomes in, the ledger kept, and each minute a look at every run that is not
//! closed.
//!
//! # Layout, in the order in which a call passes
//! - `settings`: the environment variables, read once
//! - `event`: what the bookkeeper is called with: messages of the outcome queue, or the tick
//! - `handler`: a call in, a partial batch response and metric lines out
//! - `merge`: messages into pages and books
//!   - `brake`: pauses a run that LINE refuses too often; `latency`: LINE's, noted for the tick
//! - `tick`: the look of each minute at every run
//!   - `sweep`: what is missing; `release`: may a canary's others follow; `late`: will it be late
//! - `mapping`: the event source mappings; `queues`: the queues; `lists`: the runs' lists; `runs`:
//!   their records
//! - `metrics`: the metric lines

mod event;
mod handler;
mod lists;
mod mapping;
mod merge;
mod metrics;
mod queues;
mod runs;
mod settings;
mod tick;

pub use event::{Event, Message};
pub use handler::{Bookkeeper, Handled, TickError};
pub use settings::Settings;
