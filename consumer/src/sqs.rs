//! The queues as the consumer sees them.

pub(crate) mod dead_letter;
pub(crate) mod delivery_queue;
pub(crate) mod record;
