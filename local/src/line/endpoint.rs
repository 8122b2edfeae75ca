//! Which of LINE's endpoints a request is for, and how fast LINE lets it be called.

use hyper::Method;

/// An endpoint that the simulated LINE answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    /// One user, group or room.
    Push,
    /// 1 to 500 users.
    Multicast,
    /// Checks `messages` and sends nothing.
    Validate,
    /// The month's limit.
    Quota,
    /// What of it is used.
    Consumption,
    /// A token for 15 minutes.
    StatelessToken,
    /// A token for up to 30 days, asked for with a JWT.
    JwtToken,
    /// A token for 30 days, asked for with the channel secret.
    ShortLivedToken,
    /// Ends a short-lived token.
    RevokeToken,
    /// LINE Notify's message.
    Notify,
    /// Whether a LINE Notify token is valid, and for whom.
    NotifyStatus,
    /// Ends a LINE Notify token.
    NotifyRevoke,
}

impl Endpoint {
    /// The endpoint at this method and path, which LINE wants exact: no trailing slash.
    /// <https://developers.line.biz/en/news/tags/messaging-api/1>
    pub(crate) fn find(method: &Method, path: &str) -> Option<Self> {
        let get = match path {
            "/v2/bot/message/push" => (Method::POST, Self::Push),
            "/v2/bot/message/multicast" => (Method::POST, Self::Multicast),
            "/v2/bot/message/validate/push"
            | "/v2/bot/message/validate/multicast"
            | "/v2/bot/message/validate/narrowcast"
            | "/v2/bot/message/validate/broadcast"
            | "/v2/bot/message/validate/reply" => (Method::POST, Self::Validate),
            "/v2/bot/message/quota" => (Method::GET, Self::Quota),
            "/v2/bot/message/quota/consumption" => (Method::GET, Self::Consumption),
            "/oauth2/v3/token" => (Method::POST, Self::StatelessToken),
            "/oauth2/v2.1/token" => (Method::POST, Self::JwtToken),
            "/v2/oauth/accessToken" => (Method::POST, Self::ShortLivedToken),
            "/v2/oauth/revoke" => (Method::POST, Self::RevokeToken),
            "/api/notify" => (Method::POST, Self::Notify),
            "/api/status" => (Method::GET, Self::NotifyStatus),
            "/api/revoke" => (Method::POST, Self::NotifyRevoke),
            _ => return None,
        };
        (get.0 == *method).then_some(get.1)
    }

    /// Its name in the ledger.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Multicast => "multicast",
            Self::Validate => "validate",
            Self::Quota => "quota",
            Self::Consumption => "quota/consumption",
            Self::StatelessToken => "oauth2/v3/token",
            Self::JwtToken => "oauth2/v2.1/token",
            Self::ShortLivedToken => "v2/oauth/accessToken",
            Self::RevokeToken => "v2/oauth/revoke",
            Self::Notify => "notify",
            Self::NotifyStatus => "notify/status",
            Self::NotifyRevoke => "notify/revoke",
        }
    }

    /// Requests a second that LINE takes from a channel here; LINE Notify counts by the hour instead.
    /// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
    pub(crate) fn per_second(self) -> Option<u32> {
        match self {
            Self::Multicast => Some(200),
            Self::ShortLivedToken => Some(370),
            Self::Notify | Self::NotifyStatus | Self::NotifyRevoke => None,
            _ => Some(2000),
        }
    }

    /// The largest body: LINE's is "2 MB"; LINE Notify documents none for its images, and 10 MB is this stand-in's choice.
    /// <https://developers.line.biz/en/reference/messaging-api/#status-codes>
    pub(crate) fn max_body(self) -> usize {
        match self {
            Self::Notify => 10_000_000,
            _ => 2_000_000,
        }
    }
}
