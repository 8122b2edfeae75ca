//! The words for what became of a delivery, and for why it is in the dead-letter queue.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a delivery after one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// LINE took it. This does not say that it was delivered to a phone, or read.
    Accepted,
    /// LINE took it on an earlier attempt.
    AlreadyAccepted,
    /// Not settled: it is sent again later, with the same retry key.
    Retry,
    /// The channel is stopped: it has no quota or no valid token.
    Hold,
    /// LINE will never take it.
    Refused,
    /// Its time passed before it could be sent.
    Expired,
    /// LINE may have taken it. If it were sent again, it might arrive twice.
    Unknown,
    /// Its run was cancelled before it was sent.
    Cancelled,
}

impl Outcome {
    /// The outcome as logs, metrics and message attributes write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AlreadyAccepted => "already_accepted",
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a delivery is in the dead-letter queue: the attribute `reason` of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterReason {
    /// LINE will never take it.
    Refused,
    /// Its time passed before it could be sent.
    Expired,
    /// LINE may have taken it. If it were sent again, it might arrive twice.
    Unknown,
    /// The month's quota is used up: redrive it when there is quota again.
    Quota,
    /// The token is not valid or not allowed to send: redrive it when there is one that is.
    Unauthorized,
    /// The body is not a delivery that this build reads.
    Undecodable,
    /// The body is not sealed, and here only sealed ones are sent.
    Unsealed,
    /// The body is not what the producer sealed: it was changed, or comes from another run.
    Forged,
    /// The key that opens it could not be used: redrive it when the key can be used again.
    NoKey,
}

impl DeadLetterReason {
    /// The reason as the message attribute writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
            Self::Undecodable => "undecodable",
            Self::Unsealed => "unsealed",
            Self::Forged => "forged",
            Self::NoKey => "no_key",
        }
    }
}
