//! The lane of a campaign: which of a stack's queues its deliveries wait on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A queue with consumers of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// The delivery queue.
    #[default]
    Bulk,
    /// The urgent queue. What waits on the delivery queue does not hold it up.
    Urgent,
}

impl Lane {
    /// The lane as campaigns and the control object write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::Urgent => "urgent",
        }
    }
}
