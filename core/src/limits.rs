//! What SQS and LINE take, in one place.

pub mod line;
pub mod sqs;
