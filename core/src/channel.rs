//! The channel that a campaign is sent on, and what happens to requests that are not answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The channel that a campaign is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The Messaging API.
    Line,
    /// The LINE Notify protocol. LINE ended its own service on 2025-03-31; other servers remain.
    LineNotify,
}

impl Channel {
    /// The channel as campaigns and deliveries write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::LineNotify => "line-notify",
        }
    }

    /// The list column that names the recipient.
    pub fn recipient_column(self) -> &'static str {
        match self {
            Self::Line => "to",
            Self::LineNotify => "token",
        }
    }
}

/// What happens to a LINE Notify request that was not answered: this protocol has no retry key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It is sent again: nobody is skipped, and somebody may get it twice.
    #[default]
    Retry,
    /// It is dead-lettered as `unknown`: nobody gets it twice, and somebody may be skipped until a
    /// person redrives it.
    Park,
}
