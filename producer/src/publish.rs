//! The second reading: rows become deliveries, deliveries become requests, requests go to the queue.

pub(crate) mod batch_result;
pub(crate) mod deliveries;
pub(crate) mod group;
pub(crate) mod pack;
pub(crate) mod queue;
pub(crate) mod sender;
pub(crate) mod sqs_entry;
