//! LINE's endpoints: their paths, their rates, and a call of one of them.

use hyper::Method;

/// An endpoint that the simulated LINE answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum LineEndpoint {
    /// A message to one user, group or room.
    Push,
    /// A message to 1 to 500 users.
    Multicast,
    /// Checks `messages` and sends nothing.
    Validate,
    /// The month's limit.
    Quota,
    /// How much of the limit is used.
    Consumption,
    /// The account that the token is of.
    Info,
    /// The IDs of the account's friends.
    FollowerIds,
    /// How many pushes were sent on a day.
    DeliveredPushes,
    /// How many people multicasts were sent to on a day.
    DeliveredMulticasts,
    /// How many names of aggregation units the month has.
    UnitCount,
    /// The names of the month's aggregation units.
    UnitNames,
    /// How many friends the account had on a day.
    Followers,
    /// How many messages of each kind were sent on a day.
    Deliveries,
    /// What people did with the messages of an aggregation unit.
    UnitStatistics,
    /// Issues a token for 15 minutes.
    StatelessToken,
    /// Issues a token for up to 30 days, for a JWT.
    JwtToken,
    /// Issues a token for 30 days, for the channel secret.
    ShortLivedToken,
    /// Revokes a short-lived token.
    RevokeToken,
    /// LINE Notify's message.
    Notify,
    /// Whether a LINE Notify token is valid, and whose it is.
    NotifyStatus,
    /// Revokes a LINE Notify token.
    NotifyRevoke,
}

/// A request to an endpoint, without its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: LineEndpoint,
    /// What stands behind the `?`, or nothing.
    pub(crate) query: &'a str,
    /// The bearer token.
    pub(crate) token: Option<&'a str>,
    /// `X-Line-Retry-Key`.
    pub(crate) retry_key: Option<&'a str>,
}

impl LineEndpoint {
    /// The endpoint with this method and path. LINE wants the exact path, without a slash at the
    /// end. <https://developers.line.biz/en/news/tags/messaging-api/1>
    pub(crate) fn find(method: &Method, path: &str) -> Option<Self> {
        let (expected, endpoint) = match path {
            "/v2/bot/message/push" => (Method::POST, Self::Push),
            "/v2/bot/message/multicast" => (Method::POST, Self::Multicast),
            "/v2/bot/message/validate/push"
            | "/v2/bot/message/validate/multicast"
            | "/v2/bot/message/validate/narrowcast"
            | "/v2/bot/message/validate/broadcast"
            | "/v2/bot/message/validate/reply" => (Method::POST, Self::Validate),
            "/v2/bot/message/quota" => (Method::GET, Self::Quota),
            "/v2/bot/message/quota/consumption" => (Method::GET, Self::Consumption),
            "/v2/bot/info" => (Method::GET, Self::Info),
            "/v2/bot/followers/ids" => (Method::GET, Self::FollowerIds),
            "/v2/bot/message/delivery/push" => (Method::GET, Self::DeliveredPushes),
            "/v2/bot/message/delivery/multicast" => (Method::GET, Self::DeliveredMulticasts),
            "/v2/bot/message/aggregation/info" => (Method::GET, Self::UnitCount),
            "/v2/bot/message/aggregation/list" => (Method::GET, Self::UnitNames),
            "/v2/bot/insight/followers" => (Method::GET, Self::Followers),
            "/v2/bot/insight/message/delivery" => (Method::GET, Self::Deliveries),
            "/v2/bot/insight/message/event/aggregation" => (Method::GET, Self::UnitStatistics),
            "/oauth2/v3/token" => (Method::POST, Self::StatelessToken),
            "/oauth2/v2.1/token" => (Method::POST, Self::JwtToken),
            "/v2/oauth/accessToken" => (Method::POST, Self::ShortLivedToken),
            "/v2/oauth/revoke" => (Method::POST, Self::RevokeToken),
            "/api/notify" => (Method::POST, Self::Notify),
            "/api/status" => (Method::GET, Self::NotifyStatus),
            "/api/revoke" => (Method::POST, Self::NotifyRevoke),
            _ => return None,
        };
        (expected == *method).then_some(endpoint)
    }

    /// Its name in the ledger.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Multicast => "multicast",
            Self::Validate => "validate",
            Self::Quota => "quota",
            Self::Consumption => "quota/consumption",
            Self::Info => "info",
            Self::FollowerIds => "followers/ids",
            Self::DeliveredPushes => "delivery/push",
            Self::DeliveredMulticasts => "delivery/multicast",
            Self::UnitCount => "aggregation/info",
            Self::UnitNames => "aggregation/list",
            Self::Followers => "insight/followers",
            Self::Deliveries => "insight/message/delivery",
            Self::UnitStatistics => "insight/message/event/aggregation",
            Self::StatelessToken => "oauth2/v3/token",
            Self::JwtToken => "oauth2/v2.1/token",
            Self::ShortLivedToken => "v2/oauth/accessToken",
            Self::RevokeToken => "v2/oauth/revoke",
            Self::Notify => "notify",
            Self::NotifyStatus => "notify/status",
            Self::NotifyRevoke => "notify/revoke",
        }
    }

    /// Whether it is LINE Notify's and not the Messaging API's.
    pub(crate) fn is_notify(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyStatus | Self::NotifyRevoke)
    }

    /// How many requests LINE takes from a channel here, and in how many seconds. LINE Notify has
    /// its own limits. <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
    pub(crate) fn limit(self) -> Option<(u32, u32)> {
        match self {
            Self::Multicast => Some((200, 1)),
            Self::ShortLivedToken => Some((370, 1)),
            Self::Followers | Self::Deliveries | Self::UnitStatistics => Some((60, 3600)),
            Self::Notify | Self::NotifyStatus | Self::NotifyRevoke => None,
            _ => Some((2000, 1)),
        }
    }

    /// The largest body, in bytes. LINE documents "2 MB". LINE Notify documents no limit for its
    /// images, and 10 MB is this stand-in's choice.
    /// <https://developers.line.biz/en/reference/messaging-api/#status-codes>
    pub(crate) fn max_body(self) -> usize {
        match self {
            Self::Notify => 10_000_000,
            _ => 2_000_000,
        }
    }
}
