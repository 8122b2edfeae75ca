//! The words for what became of a delivery, and the tally that adds up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a delivery after one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// LINE took it: not "delivered to a phone", not "read".
    Accepted,
    /// LINE had taken it on an earlier attempt.
    AlreadyAccepted,
    /// Nobody can say yet: it comes again with the same retry key.
    Retry,
    /// The channel itself is stopped: no quota, or no valid token.
    Hold,
    /// LINE will never take it.
    Refused,
    /// Its time had passed before it could be sent.
    Expired,
    /// It may or may not have been taken, and can't be asked again without doubling it.
    Unknown,
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
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a delivery lies in the dead-letter queue: the attribute `reason` of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterReason {
    /// LINE will never take it.
    Refused,
    /// Its time had passed.
    Expired,
    /// It may have been taken; sending it again might double it.
    Unknown,
    /// The month's messages are used up: redrive it when there are more.
    Quota,
    /// The token is not valid, or not allowed: redrive it when there is one that is.
    Unauthorized,
    /// The body is not a delivery that this version reads.
    Undecodable,
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
        }
    }
}
