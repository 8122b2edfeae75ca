//! SQS, as far as the consumer uses it.
//!
//! # Layout
//! - `record`: a queue message as Lambda hands it over
//! - `delivery_queue`: hides records, and takes the parts of a split
//! - `dead_letter`: sets a delivery aside, with the reason

pub(crate) mod dead_letter;
pub(crate) mod delivery_queue;
pub(crate) mod record;
