//! A campaign from its list to LINE on this machine: the stand-ins, and the producer and the consumer between them.

mod consumer;
pub(crate) mod environment;
pub(crate) mod faults;
pub(crate) mod pipeline;
pub(crate) mod progress;
pub(crate) mod queues;
