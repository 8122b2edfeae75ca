//! What both channels share: the HTTP client, what came back and what it means, how long to wait and how fast to go.

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod classify;
pub(crate) mod fingerprint;
pub(crate) mod hold;
pub(crate) mod http;
pub(crate) mod pace;
pub(crate) mod response;
