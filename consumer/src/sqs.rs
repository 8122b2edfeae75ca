//! SQS, as far as the consumer uses it.
//!
//! # Layout
//! - `record`: a queue message as Lambda hands it over
//! - `delivery_queue`: hides records, and takes the parts of a split
//! - `dead_letter`: sets a delivery aside, with the reason
//! - `outcome_queue`: tells the ledger what became of deliveries
//! - `parked_queue`: takes what is not sent now

pub(crate) mod dead_letter;
pub(crate) mod delivery_queue;
pub(crate) mod outcome_queue;
pub(crate) mod parked_queue;
pub(crate) mod record;
