//! The queue server with the real SQS client.

mod batches;
mod faults;
mod fifo;
mod messages;
mod polls;
mod query;
mod queues;
mod redrive;
mod settings;
