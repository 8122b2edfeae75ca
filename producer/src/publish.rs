//! The second reading of a slice: rows become deliveries, and deliveries go to the queue.

pub(crate) mod batch_result;
pub(crate) mod canary;
pub(crate) mod deliveries;
pub(crate) mod encoder;
pub(crate) mod group;
pub(crate) mod left_out;
pub(crate) mod pack;
pub(crate) mod queue;
pub(crate) mod reading;
pub(crate) mod roll;
pub(crate) mod sender;
pub(crate) mod slice_queue;
pub(crate) mod sqs_entry;
