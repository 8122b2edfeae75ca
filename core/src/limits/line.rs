//! What LINE takes, in one place.

/// LINE takes 2,000 push requests a second, from all machines of a channel together.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
pub const PUSH_PER_SECOND: u32 = 2_000;

/// LINE takes 200 multicast requests a second, from all machines of a channel together.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
pub const MULTICAST_PER_SECOND: u32 = 200;

/// LINE takes at most 500 user IDs in a multicast request.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
pub const MAX_RECIPIENTS: usize = 500;

/// LINE takes at most five message objects in a request.
/// <https://developers.line.biz/en/reference/messaging-api/#send-push-message>
pub(crate) const MAX_MESSAGES: usize = 5;
