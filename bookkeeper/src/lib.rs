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
//!   - `sweep`: what is missing; `release`: may a canary's others follow; `late`: will it be late;
//!     `parked`: what lies parked of runs that go on
//! - `mapping`: the event source mappings
//!   - `notes`: which of them the bookkeeper has switched off itself
//! - `queues`: the queues, each a `queue`; `lists`: the runs' lists; `runs`: their records
//! - `error`: why a run was not looked at
//! - `metrics`: the metric lines

mod error;
mod event;
mod handler;
mod lists;
mod mapping;
mod merge;
mod metrics;
mod queue;
mod queues;
mod runs;
mod settings;
mod tick;

pub use event::{Event, Message};
pub use handler::{Bookkeeper, Handled, TickError};
pub use queue::{Queue, QueueError, Sifted, run_of};
pub use settings::Settings;
