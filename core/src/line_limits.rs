//! What LINE takes, in one place.

/// Push requests a second, over all machines of a channel.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
pub const PUSH_PER_SECOND: u32 = 2_000;

/// Multicast requests a second, over all machines of a channel.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
pub const MULTICAST_PER_SECOND: u32 = 200;

/// User IDs in one multicast request.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
pub const MAX_RECIPIENTS: usize = 500;

/// Message objects in one request.
/// <https://developers.line.biz/en/reference/messaging-api/#send-push-message>
pub const MAX_MESSAGES: usize = 5;
