//! Where a request goes.

use fanline_core::delivery::Endpoint;

/// The kind of a request that carries a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// The Messaging API. The request has a retry key.
    Line(Endpoint),
    /// LINE Notify, which has no retry key.
    LineNotify,
}

impl Route {
    /// The path: it is appended to the base URL, and the log shows it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Line(Endpoint::Push) => "/v2/bot/message/push",
            Self::Line(Endpoint::Multicast) => "/v2/bot/message/multicast",
            Self::LineNotify => "/api/notify",
        }
    }
}
