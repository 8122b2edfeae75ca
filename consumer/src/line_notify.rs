//! The channel `line-notify`: the LINE Notify protocol.

pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod image;
