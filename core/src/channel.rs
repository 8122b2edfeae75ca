//! Where a campaign is sent, and what a channel makes of an answer that never came.

use serde::{Deserialize, Serialize};

/// Where a campaign is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The Messaging API.
    Line,
    /// The LINE Notify protocol. LINE ended its own service on 2025-03-31; compatible servers remain.
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

/// What becomes of a LINE Notify request whose answer never came: that protocol has no retry key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Sent again: nobody is missed, somebody may get it twice.
    #[default]
    Retry,
    /// Set aside as `unknown`: nobody gets it twice, somebody may be missed until a person decides.
    Park,
}
