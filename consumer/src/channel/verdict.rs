//! What came back, in the terms of the channel.

/// The meaning of a response, or of a missing one.
///
/// `line::classify` and `line_notify::classify` decide it, each for its own channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The channel accepted the request.
    Accepted,
    /// The channel had accepted the request on an earlier attempt.
    AlreadyAccepted,
    /// The channel did not take the request, and a later attempt may succeed.
    NotTaken,
    /// The channel may or may not have taken the request. With a retry key it can be sent again.
    /// Without one the campaign decides.
    Unclear,
    /// Too many requests. This one was not taken.
    TooFast,
    /// A 429 whose text does not speak of a rate. Either the month's messages are used up, or LINE
    /// has a new text. LINE's own count tells.
    PerhapsQuota,
    /// The token is not valid. A newer one may be.
    Unauthorized,
    /// The token is valid but may not do this.
    Forbidden,
    /// A multicast that nobody got, because of some of its recipients: the positions that LINE
    /// named, or none.
    Split(Vec<usize>),
    /// The channel will never take the request.
    Refused,
}
