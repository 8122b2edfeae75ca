//! What came back from a channel for one request.

use jiff::Timestamp;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A status line came, whatever became of the rest.
    Status(Reply),
    /// None came.
    Unanswered(Failure),
}

/// An answer with a status. The status decides; everything else only explains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, where it could be read to its end.
    pub body: Option<String>,
    /// `X-Line-Request-Id`: what LINE's support asks for.
    pub request_id: Option<String>,
    /// `X-Line-Accepted-Request-Id`: on a 409, the request that was accepted.
    pub accepted_request_id: Option<String>,
    /// What LINE Notify says is left for the token.
    pub allowance: Allowance,
}

/// LINE Notify's `X-RateLimit-*` headers: how many calls and image uploads the token has left, and until when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// `X-RateLimit-Remaining`: calls.
    pub calls: Option<u64>,
    /// `X-RateLimit-ImageRemaining`: image uploads.
    pub images: Option<u64>,
    /// `X-RateLimit-Reset`, in UTC epoch seconds: when both are full again.
    pub reset: Option<Timestamp>,
}

/// Why no status came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// No connection was made, so nothing was sent: refused, unreachable, no such host, TLS, connect time-out.
    NotConnected,
    /// The request was under way and nothing came in time: it may have been taken.
    TimedOut,
    /// The connection broke, or what came is no HTTP: it may have been taken.
    Lost,
}

impl Failure {
    /// The failure as the log writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not connected",
            Self::TimedOut => "timed out",
            Self::Lost => "connection lost",
        }
    }
}

impl Answer {
    /// The status, where one came.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status(reply) => Some(reply.status),
            Self::Unanswered(_) => None,
        }
    }
}
