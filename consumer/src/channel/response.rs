//! What came back for one request.

use std::borrow::Cow;

use reqwest::header::HeaderMap;

/// A response. Its status decides, everything else only explains.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, cut at [`MAX_BODY`]. `None`: it could not be read to its end.
    ///
    /// [`MAX_BODY`]: crate::channel::http::MAX_BODY
    pub body: Option<Vec<u8>>,
}

impl Response {
    /// A header, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `X-Line-Request-Id`: LINE's support asks for it.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.header("x-line-request-id")
    }

    /// `X-Line-Accepted-Request-Id`: on a 409, the request that LINE accepted.
    pub(crate) fn accepted_request_id(&self) -> Option<&str> {
        self.header("x-line-accepted-request-id")
    }

    /// The body as text. A body that could not be read says nothing, like an empty one.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.body.as_deref().unwrap_or(b""))
    }

    /// Whether the body speaks of a rate limit.
    pub(crate) fn says_rate_limit(&self) -> bool {
        self.text().to_ascii_lowercase().contains("rate limit")
    }
}

/// Why no response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// There was no connection, so nothing was sent: refused, unreachable, no such host, TLS, or
    /// the connection took too long.
    NotConnected,
    /// The request was sent and no response came in time. The channel may have taken it.
    TimedOut,
    /// The connection broke, or what came is not HTTP. The channel may have taken the request.
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
