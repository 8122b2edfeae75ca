//! A message in a queue.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;
use crate::sqs::message::attributes::MessageAttributes;

pub(crate) mod attributes;
pub(crate) mod text;

/// A message in a queue. It is small and cheap to copy, because a queue can hold a million.
#[derive(Clone, Debug)]
pub(crate) struct StoredMessage {
    pub(crate) id: Uuid,
    pub(crate) body: Arc<str>,
    pub(crate) body_md5: [u8; 16],
    /// The parts that most messages do not have.
    pub(crate) extra: Option<Arc<ExtraParts>>,
    pub(crate) sent_at: Millis,
    /// 0 until the first receive.
    pub(crate) first_received_at: Millis,
    pub(crate) receives: u32,
}

/// The parts that most messages do not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExtraParts {
    pub(crate) attributes: MessageAttributes,
    pub(crate) trace_header: Option<String>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) deduplication_id: Option<Arc<str>>,
    /// The position of the message in a FIFO queue. 0 in a standard queue.
    pub(crate) sequence: u64,
    /// The queue whose redrive policy moved the message here.
    pub(crate) dead_letter_source: Option<Arc<str>>,
}

/// A sequence number as text: it has twenty digits. A message of a standard queue has none.
pub(crate) fn sequence_number(sequence: u64) -> Option<String> {
    // The numbers of SQS need more than 64 bits, and there are gaps between them.
    (sequence > 0)
        .then(|| (18_850_000_000_000_000_000_u128 + u128::from(sequence) * 256).to_string())
}
