//! What became of deliveries: the words, their order, and the messages and pages that carry them.

mod cell;
mod delivery_outcome;
mod gather;
mod message;
mod page;
mod queue_body;
mod wire;

pub use cell::{Cell, CellReason, FinalOutcome};
pub use delivery_outcome::{DeliveryOutcome, Departed, Standing};
pub use gather::{RunOutcomes, gather};
pub use message::{OutcomeMessage, OutcomeMessageError};
pub use page::{Page, PageError, PageLine};
pub use queue_body::{OutcomeQueueBody, WAKE};

pub(crate) use wire::WireCell;
